"""The model bench: each of its actions on a page of its own, then the whole of it in the lab, with files."""

import json
import zipfile

import pytest
from bench_scenes import launch_scenes, network, put, table
from playing import open_level
from playwright.sync_api import expect

from lmlab.data.corpus import load_corpus
from lmlab.evaluation.loss import evaluate
from lmlab.models.ngram import count
from lmlab.runs.archive import pack_run
from lmlab.runs.cards import BUNDLED, read_card
from lmlab.runs.store import counted_card, load_run, save_run
from lmlab.tokenizers.characters import CharacterTokenizer

HOSTILE = "<img src=x onerror=hurt=1>"
FIRST = ("first-table-0005", "calm-heron-0003")


@pytest.fixture(scope="module")
def address(browser):
    app = launch_scenes()
    yield app.local_url
    app.close()


@pytest.fixture
def open_scene(browser, address):
    pages, wrong = [], []

    def open_page(scene="many", width=1400):
        page = browser.new_page(viewport={"width": width, "height": 900})
        pages.append(page)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(f"{address}?scene={scene}")
        page.wait_for_selector("#bench li", state="attached")
        return page

    yield open_page
    for page in pages:
        page.close()
    assert not wrong, wrong


def sent(page):
    """What the last event told Python."""
    expect(page.locator("#log textarea, #log input")).not_to_have_value("")
    return json.loads(page.input_value("#log textarea, #log input"))


def word(page, name):
    """One of the words under the model at hand."""
    return page.locator(f"#bench .word[data-do^='{name}:']")


# --- on a page of its own -----------------------------------------------------------------------------------


def test_every_model_has_its_line_and_the_student_too(open_scene):
    page = open_scene()
    rows = page.locator("#bench li")
    assert rows.count() == 10
    expect(rows.nth(0)).to_have_class("live")
    expect(rows.nth(1)).to_contain_text("calm-heron2.23MLP, 7,721 parameterscontext 1 → 3 · seed 42")
    expect(page.locator("#bench li button[aria-pressed=true]")).to_have_count(1)
    expect(page.locator("#bench li button[aria-pressed=true]")).to_contain_text("calm-heron")
    expect(page.locator("#bench li.you")).to_have_text("you2.5810 names guessed± 0.21, few names yet")
    expect(page.locator("#bench li .actions")).to_have_count(1)  # only the model at hand has its words


def test_a_model_is_chosen_with_the_keyboard(open_scene):
    page = open_scene()
    page.focus("#bench li:first-child button")
    page.keyboard.press("Enter")
    assert sent(page) == {"do": "choose:live-one-0001"}


@pytest.mark.parametrize("name", ["duplicate", "pin", "export"])
def test_a_word_sends_its_model(open_scene, name):
    page = open_scene()
    word(page, name).press("Enter")
    assert sent(page)["run"] == "calm-heron-0003"
    assert sent(page).get("do") == ("pin" if name == "pin" else None)


def test_a_new_name_is_typed_while_a_training_redraws_the_bench(open_scene):
    page = open_scene()
    word(page, "rename").press("Enter")
    field = page.locator("#bench .ask input")
    expect(field).to_be_focused()
    expect(field).to_have_value("calm-heron")
    page.keyboard.type("my ow")  # the old name was selected
    cards = [network("live-one-0001", 2.29, live=True), network("calm-heron-0003", 2.23)]
    put(page, "#bench details", cards, "calm-heron-0003")
    expect(field).to_be_focused()
    page.keyboard.type("n")
    assert page.locator("#log textarea, #log input").input_value() == ""
    page.keyboard.press("Enter")
    assert sent(page) == {"do": "rename", "run": "calm-heron-0003", "name": "my own"}
    expect(field).to_have_count(0)


def test_an_empty_or_endless_name_is_never_sent(open_scene):
    page = open_scene()
    word(page, "rename").click()
    field = page.locator("#bench .ask input")
    field.fill("   ")
    page.keyboard.press("Enter")
    expect(page.locator("#bench > * .sr, #bench .sr")).to_contain_text("1 to 30 characters")
    assert page.input_value("#log textarea, #log input") == ""
    field.fill("")
    field.press_sequentially("x" * 40)
    expect(field).to_have_value("x" * 30)
    word(page, "cancel").click()
    expect(word(page, "rename")).to_be_focused()


def test_deleting_asks_once_in_words(open_scene):
    page = open_scene()
    word(page, "delete").press("Enter")
    expect(page.locator("#bench .ask")).to_contain_text("Delete calm-heron?")
    expect(word(page, "no")).to_be_focused()
    page.keyboard.press("Enter")
    expect(word(page, "delete")).to_be_focused()
    assert page.input_value("#log textarea, #log input") == ""
    word(page, "delete").click()
    word(page, "yes").click()
    assert sent(page) == {"do": "delete", "run": "calm-heron-0003"}


def test_hostile_names_are_text(open_scene):
    page = open_scene()
    put(page, "#bench details", [table("one", 2.4, title=HOSTILE)], "one")
    expect(page.locator("#bench .choose .row > :first-child")).to_have_text(HOSTILE)
    expect(page.locator("#ruler .rmark.now .label")).to_have_text(f"2.40 {HOSTILE}")
    page.hover("#ruler .rmark.now")
    word(page, "delete").click()
    page.click("#ruler .what .open")
    assert page.locator("#bench img, #ruler img").count() == 0
    assert page.evaluate("typeof hurt") == "undefined"


def test_greyed_models_say_why(open_scene):
    page = open_scene("greyed")
    expect(page.locator("#bench li.other")).to_have_count(3)
    expect(page.locator("#bench li.other .diff").first).to_have_text("learned on names_indian: not comparable")


@pytest.mark.parametrize("width", [1400, 1000, 400])
def test_the_bench_is_closed_where_there_is_one_column(open_scene, width):
    page = open_scene("mock", width)
    row = page.locator("#bench li").first
    if width <= 1080:
        expect(row).to_be_hidden()
        expect(page.locator("#bench summary")).to_have_text("Model benchshow")
        page.click("#bench summary")
    expect(row).to_be_visible()
    expect(page.locator("#bench summary")).to_have_text("Model benchhide")
    put(page, "#bench details", [table("one", 2.4)], "one")
    expect(row).to_be_visible()  # what was opened stays open
    assert page.evaluate("document.documentElement.scrollWidth") <= width


# --- in the lab ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fourgram(tmp_path_factory):
    """A count model as a file, and its held-out loss."""
    folder = tmp_path_factory.mktemp("fourgram")
    corpus = load_corpus("names")
    tokenizer = CharacterTokenizer(corpus.alphabet)
    model = count(corpus, 4, "add-k", 0.5, tokenizer=tokenizer)
    losses = {"validation": evaluate(model, corpus.part("validation"), tokenizer)}
    save_run(folder / "run", model, counted_card(model, corpus, tokenizer, losses, "bold-crane-0001"))
    return pack_run(folder / "run", folder / "bold-crane.zip"), losses["validation"].nll


def bring_in(page, place):
    """Import a file, and wait until the bench has said what came of it."""
    before = page.get_attribute("#bench details", "data-seq")
    page.set_input_files("input[type=file][accept='.zip']", str(place))
    page.wait_for_function(
        """before => {
            const bench = document.querySelector('#bench details');
            return bench.dataset.seq !== before && [...bench.querySelectorAll('.said')].some(p => p.textContent);
        }""",
        arg=before,
    )
    return page.locator("#bench .said", has_text=".").first.inner_text()


def names_on(page):
    return page.locator("#bench .choose .row > :first-child").all_inner_texts()


def test_a_model_lives_on_the_bench(new_page, fourgram, tmp_path):
    """Brought in, renamed, pinned, kept over a reload, taken along, deleted, brought in again: with one loss."""
    place, loss = fourgram
    page = new_page(level="mlp")
    said = bring_in(page, place)
    assert "bold-crane is on the bench" in said
    assert f"{loss:.2f} nats per character" in said
    row = page.locator("#bench li", has_text="bold-crane")
    expect(row.locator(".num")).to_have_text(f"{loss:.2f}")
    expect(row).to_contain_text("4-gram, k 0.5")
    expect(page.locator("#ruler .rmark.now .label")).to_have_text(f"{loss:.2f} bold-crane")

    word(page, "rename").click()
    page.fill("#bench .ask input", HOSTILE)
    page.keyboard.press("Enter")
    expect(page.locator("#bench .choose[aria-pressed=true] .row > :first-child")).to_have_text(HOSTILE)
    expect(page.locator("#ruler .rmark.now .label")).to_have_text(f"{loss:.2f} {HOSTILE}")
    word(page, "pin").press("Enter")
    expect(word(page, "unpin")).to_be_focused()
    expect(page.locator("#bench .choose[aria-pressed=true] .diff")).to_contain_text("pinned")

    page.reload()
    page.wait_for_selector("#bench li.pinned")
    assert names_on(page)[0] == HOSTILE
    assert page.locator("#bench img, #ruler img").count() == 0
    assert page.evaluate("typeof hurt") == "undefined"

    page.click("#bench li.pinned .choose")
    with page.expect_download() as taken:
        word(page, "export").click()
    along = tmp_path / "along.zip"
    taken.value.save_as(along)
    assert sorted(zipfile.ZipFile(along).namelist()) == ["model.safetensors", "run.json"]
    expect(page.locator("#bench .said", has_text="is packed into the file")).to_be_visible()

    word(page, "delete").click()
    word(page, "yes").click()
    expect(page.locator("#bench .choose")).to_have_count(2)
    assert HOSTILE not in names_on(page)
    bring_in(page, along)
    expect(page.locator("#bench .choose[aria-pressed=true] .num")).to_have_text(f"{loss:.2f}")
    assert HOSTILE in names_on(page)
    losses = page.eval_on_selector_all("#ruler .rmark.now", "marks => marks.map(mark => Number(mark.dataset.loss))")
    assert losses == [pytest.approx(loss, abs=1e-9)]


def test_a_bundled_model_is_taken_along_and_stays(new_page, tmp_path):
    page = new_page(level="mlp")
    page.locator("#bench .choose", has_text="plain-finch").click()
    for name in ("pin", "rename", "delete"):
        expect(word(page, name)).to_have_count(0)
    with page.expect_download() as taken:
        word(page, "export").click()
    taken.value.save_as(tmp_path / "finch.zip")
    with zipfile.ZipFile(tmp_path / "finch.zip") as content:
        content.extractall(tmp_path / "finch")
    wanted = read_card(BUNDLED / "plain-finch")["metrics"]["validation"]["nll"]
    assert load_run(tmp_path / "finch").card["metrics"]["validation"]["nll"] == wanted
    said = bring_in(page, tmp_path / "finch.zip")
    assert f"{wanted:.2f} nats per character, measured here" in said
    expect(page.locator("#bench .choose")).to_have_count(3)


def test_nobody_else_sees_the_model(new_page, fourgram):
    bring_in(new_page(level="mlp"), fourgram[0])
    expect(new_page(level="mlp").locator("#bench .choose")).to_have_count(2)


@pytest.mark.parametrize("kind", ["no zip", "other files", "a lie"])
def test_a_hostile_file_becomes_a_sentence(new_page, tmp_path, fourgram, kind):
    place = tmp_path / "x.zip"
    if kind == "no zip":
        place.write_bytes(b"\x80\x04K\x01." * 50)
    else:
        with zipfile.ZipFile(fourgram[0]) as good, zipfile.ZipFile(place, "w") as content:
            content.writestr("run.json", good.read("run.json"))
            if kind == "other files":
                content.writestr("../../model.safetensors", good.read("model.safetensors"))
            else:
                content.writestr("model.safetensors", b"\0" * 1000)
    page = new_page(level="mlp")
    said = bring_in(page, place)
    assert "Choose one that Export made." in said
    assert "/" not in said.replace("and/or", "")
    expect(page.locator("#bench .choose")).to_have_count(2)


def test_a_forged_action_on_a_model_of_the_lab_is_refused(page):
    """The words do not offer it; a page that was changed by hand sends it all the same."""
    page.locator("#bench .choose", has_text="plain-finch").click()
    expect(word(page, "export")).to_have_count(1)
    # the next choice is sent as a deletion
    page.route(
        "**/gradio_api/run/predict**",
        lambda route: route.continue_(
            post_data=route.request.post_data.replace('"do":"choose:calm-heron"', '"do":"delete","run":"plain-finch"')
        ),
    )
    page.locator("#bench .choose", has_text="calm-heron").click()
    expect(page.locator("#bench .said", has_text="belongs to the lab and stays")).to_have_count(1)
    expect(page.locator("#bench .choose")).to_have_count(2)


def test_duplicating_a_table_fills_the_controls_of_its_level(new_page, fourgram):
    page = new_page(level="mlp")
    bring_in(page, fourgram[0])
    word(page, "duplicate").click()
    expect(page.locator("#tab-count-button")).to_have_attribute("aria-selected", "true")
    expect(page.locator("#count-order input[type=range]")).to_have_value("4")
    expect(page.locator("#bench .said")).to_contain_text(["The controls hold the settings of bold-crane"])


def test_duplicating_a_network_fills_the_controls_and_what_is_made_names_its_parent(new_page):
    """From the bundled MLP: the same but for the seed and the steps."""
    page = new_page(level="guess")
    page.locator("#bench .choose", has_text="plain-finch").click()
    word(page, "duplicate").click()
    expect(page.locator("#tab-mlp-button")).to_have_attribute("aria-selected", "true")
    options = read_card(BUNDLED / "plain-finch")["model"]["options"]
    expect(page.locator("#mlp-context input[type=range]")).to_have_value(str(options["context"]))
    expect(page.locator("#mlp-hidden input[type=range]")).to_have_value(str(options["d_hidden"]))


def test_the_bench_is_the_same_on_every_level(new_page, fourgram):
    page = new_page(level="mlp")
    bring_in(page, fourgram[0])
    for level in ("sample", "embed"):
        open_level(page, level)
        expect(page.locator("#bench .choose[aria-pressed=true]")).to_contain_text("bold-crane")
