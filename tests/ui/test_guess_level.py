"""The level Guess, from the first key to the mark on the ruler, also against a page that cheats."""

import json
import math
import re

import numpy as np
import pytest
from playing import data_of, open_level
from playwright.sync_api import expect

from lmlab.data.corpus import load_corpus
from lmlab.models.ngram import count
from lmlab.tokenizers.characters import CharacterTokenizer

GAME = "#guess-game .game"
LETTERS = "abcdefghijklmnopqrstuvwxyz."


@pytest.fixture
def guess(new_page):
    def open_it(**options):
        page = new_page(level="guess", **options)
        page.wait_for_selector(f"{GAME}[data-state=open]")
        return page

    return open_it


def game(page, name: str) -> str:
    return page.get_attribute(GAME, f"data-{name}")


def answered(page, act) -> None:
    """Do something, and wait for what the server says to it."""
    before = game(page, "seq")
    act()
    page.wait_for_function(
        "([game, before]) => document.querySelector(game).dataset.seq !== before", arg=[GAME, before]
    )


def bets(page) -> None:
    answered(page, lambda: page.get_by_role("radio", name="Bet chips").check())
    expect(page.locator(GAME)).to_have_attribute("data-mode", "bets")


def key(page, letter: str):
    return page.locator(f"#guess-game .key[data-key='{LETTERS.index(letter)}']")


def guess_letter(page) -> str:
    """Type letters until one is right; returns it."""
    position = game(page, "position")
    for letter in LETTERS:
        answered(page, lambda letter=letter: page.keyboard.press(letter))
        if game(page, "position") != position:
            return letter
    raise AssertionError("no letter was right")


def bet_all(page, letters: str = "aeinl.") -> str:
    """Bet on some letters, lock, and return the one that came; the keyboard alone."""
    if game(page, "state") == "told":
        page.keyboard.press("Enter")
    page.keyboard.type(letters)
    if game(page, "left") != "0":
        page.keyboard.press("Enter")  # deals the others the same way
    expect(page.locator(GAME)).to_have_attribute("data-left", "0")
    answered(page, lambda: page.keyboard.press("Enter"))
    return right(page)


def right(page) -> str:
    return LETTERS[int(page.get_attribute("#guess-game .slot.right .key", "data-key"))]


def paid(page) -> dict[str, float]:
    """Who paid how much, as it stands beside the name."""
    rows = page.locator("#guess-game .ladder .row").all()
    return {row.locator(".who").inner_text(): float(row.locator(".num").inner_text()) for row in rows}


def finish_name(page) -> str:
    """Play the name at hand to its end; returns it."""
    name = ""
    while game(page, "state") != "over":
        if game(page, "mode") == "bets":
            if game(page, "state") == "told":
                page.keyboard.press("Enter")
            answered(page, lambda: page.click("#guess-game [data-do=skip]"))
        else:
            name += guess_letter(page)
            continue
        name += right(page)
    return name.rstrip(".")


# --- the first half minute ---------------------------------------------------------------------------------


def test_the_first_screen_says_what_to_do_and_is_full(guess):
    page = guess()
    expect(page.locator("#guess-game .steps .now")).to_contain_text("What is the first letter of this hidden name?")
    expect(page.locator("#guess-game .key")).to_have_count(27)
    expect(page.locator("#guess-game .ladder li")).to_have_count(5)
    assert page.locator("#guess-game .ladder .num").all_inner_texts() == ["?"] * 5
    assert page.locator("#tab-guess button.primary:visible").count() == 0  # the keys are the action


def test_guessed_until_right_and_the_models_beside_it(guess, names):
    """A guess, and the gap to the models: the insight of the first half minute."""
    page = guess()
    letter = guess_letter(page)
    expect(page.locator(GAME)).to_have_attribute("data-state", "told")
    tried = LETTERS.index(letter) + 1
    gap = page.inner_text("#guess-game .steps .now")
    p = count(names, 2, "add-k", 0.1).probabilities(np.array([[0]]))[0]
    token = CharacterTokenizer(names.alphabet).encode(letter)[0]
    bigram = 1 + int((p > p[token]).sum())
    assert f"you {tried}, the bigram {bigram}," in gap
    assert paid(page)["you"] == tried
    assert paid(page)["bigram"] == bigram
    expect(page.locator("#guess-score")).to_contain_text("1 letter so far")
    expect(page.locator("#tab-guess-button")).to_have_attribute("data-done", "")  # a gap was seen
    # typing goes on with the next letter; the one before stays in the name
    answered(page, lambda: page.keyboard.press("q"))
    assert page.locator("#guess-game .name .letter").count() >= 1


def test_a_wrong_letter_is_struck_and_not_asked_again(guess):
    page = guess()
    answered(page, lambda: page.keyboard.press("x"))
    if game(page, "state") == "told":
        return  # the name begins with an x
    expect(page.locator("#guess-game .steps .now")).to_contain_text("Not x.")
    expect(page.locator("#guess-game .slot.wrong")).to_have_count(1)
    before = game(page, "seq")
    page.keyboard.press("x")
    answered(page, lambda: page.keyboard.press("z"))
    assert int(game(page, "seq")) > int(before)
    expect(page.locator("#tab-guess [role=alert]")).to_have_count(0)


def test_shannons_bounds_come_after_ten_letters(guess):
    page = guess()
    ranks = []
    while len(ranks) < 10:
        if game(page, "state") == "over":
            answered(page, lambda: page.click("#guess-game [data-do=other]"))
        ranks.append(LETTERS.index(guess_letter(page)) + 1)
    expect(page.locator("#guess-score")).to_contain_text("Shannon’s bounds of 1951")
    q = [ranks.count(i) / 10 for i in range(1, 28)]
    upper = -sum(share * math.log2(share) for share in q if share)
    expect(page.locator("#guess-score")).to_contain_text(f"to {upper:.2f} bits")


# --- bets --------------------------------------------------------------------------------------------------


def test_from_the_first_key_to_the_mark_on_the_ruler_with_the_keyboard_alone(guess, names):
    page = guess()
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.closest('#guess-mode') && document.activeElement.value === 'bets'"):
            break
    answered(page, lambda: page.keyboard.press("Space"))
    expect(page.locator(GAME)).to_have_attribute("data-mode", "bets")
    page.keyboard.type("aaem")
    expect(page.locator(GAME)).to_have_attribute("data-left", "16")
    page.keyboard.press("Backspace")
    page.keyboard.press("i")
    page.keyboard.press("Enter")
    assert [key(page, letter).locator(".count").inner_text() for letter in "aei"] == ["10", "5", "5"]
    answered(page, lambda: page.keyboard.press("Enter"))
    letter = right(page)
    chips = {"a": 10, "e": 5, "i": 5}.get(letter, 0)
    mine = -math.log2((chips + 0.1) / 22.7)
    p = count(names, 2, "add-k", 0.1).probabilities(np.array([[0]]))[0]
    bigram = -math.log2(p[CharacterTokenizer(names.alphabet).encode(letter)[0]])
    assert paid(page)["you"] == pytest.approx(mine, abs=0.006)
    assert paid(page)["bigram"] == pytest.approx(bigram, abs=0.006)
    expect(page.locator("#guess-game .steps .now")).to_contain_text(
        f"You paid {mine:.2f} bits, the bigram {bigram:.2f}."
    )
    expect(page.locator("#guess-score")).to_contain_text(f"You pay {mine:.2f} bits a letter.")
    expect(page.locator("#ruler")).to_contain_text(f"{mine * math.log(2):.2f} you, from 1 letter")
    expect(page.locator("#bench .you.few")).to_contain_text("provisional: from 1 letter only")
    expect(page.locator("#guess-score")).to_contain_text("An interval needs 3 bets.")
    losses = [mine]
    for _ in range(2):
        if game(page, "state") == "over":
            answered(page, lambda: page.click("#guess-game [data-do=primary]"))
        bet_all(page)
        losses.append(paid(page)["you"])
    mean = sum(losses) / 3
    half = 4.3027 * math.sqrt(sum((loss - mean) ** 2 for loss in losses) / 2 / 3)
    said = page.inner_text("#guess-score")
    assert "With 3 bets" in said
    assert "Few bets, so it is wide." in said
    low, high = map(float, re.search(r"from ([\d.]+) to ([\d.]+) bits", said).groups())
    assert low == pytest.approx(max(0, mean - half), abs=0.03)
    assert high == pytest.approx(mean + half, abs=0.03)


def test_chips_are_placed_and_taken_off_in_every_way(guess):
    page = guess()
    bets(page)
    lock = page.locator("#guess-game [data-do=primary]")
    expect(lock).to_be_disabled()
    key(page, "a").click()
    key(page, "a").click()
    key(page, "b").click()
    expect(page.locator(GAME)).to_have_attribute("data-left", "17")
    key(page, "a").click(modifiers=["Shift"])
    expect(page.locator(GAME)).to_have_attribute("data-left", "18")
    page.locator("#guess-game .slot.has .minus").first.click()
    expect(page.locator(GAME)).to_have_attribute("data-left", "19")
    page.click("#guess-game [data-do=take]")
    expect(page.locator(GAME)).to_have_attribute("data-left", "20")
    key(page, "c").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Delete")
    expect(page.locator(GAME)).to_have_attribute("data-left", "20")
    key(page, "m").hover()
    page.mouse.down()
    page.wait_for_function("game => Number(document.querySelector(game).dataset.left) <= 15", arg=GAME)  # poured
    page.mouse.up()
    page.click("#guess-game [data-do=clear]")
    expect(page.locator(GAME)).to_have_attribute("data-left", "20")
    page.keyboard.type("ab.")
    lock.click()
    assert [key(page, letter).locator(".count").inner_text() for letter in "ab."] == ["7", "7", "6"]
    expect(lock).to_have_text("Lock my bet")
    page.keyboard.press("c")  # there are no chips left
    expect(key(page, "c").locator(".count")).to_have_text("")


def test_the_bars_come_after_the_bet_and_each_model_has_its_own(guess):
    page = guess()
    bets(page)
    height = "nodes => nodes.map(node => parseFloat(node.style.height))"
    assert sum(page.eval_on_selector_all("#guess-game .well .p", height)) == 0
    bet_all(page, "eee")
    expect(page.locator(GAME)).to_have_attribute("data-bars", "yes")
    bigram = page.eval_on_selector_all("#guess-game .well .p", height)
    assert max(bigram) > 10
    page.locator("#guess-game .ladder button", has_text="unigram").click()
    unigram = page.eval_on_selector_all("#guess-game .well .p", height)
    assert unigram != bigram
    expect(page.locator("#guess-game .board .unit")).to_contain_text("unigram blue")
    bet_all(page)
    first = page.locator("#guess-game .name .letter").first
    shown = page.inner_text("#guess-game .ladder .unit")
    first.click()
    expect(first).to_have_attribute("aria-pressed", "true")
    assert page.eval_on_selector_all("#guess-game .well .p", height) == unigram  # the first letter's bars again
    page.mouse.move(5, 5)
    page.keyboard.press("Escape")
    expect(page.locator("#guess-game .ladder .unit")).to_have_text(shown)
    first.hover()
    expect(page.locator("#guess-game .well .p").first).to_have_attribute("style", f"height: {unigram[0]:g}%;")


def test_a_skipped_bet_is_an_even_one(guess):
    page = guess()
    bets(page)
    answered(page, lambda: page.click("#guess-game [data-do=skip]"))
    assert paid(page)["you"] == pytest.approx(math.log2(27), abs=0.006)
    expect(page.locator("#guess-game .steps .done").first).to_contain_text("an even bet on 27 keys")


def test_the_depths_have_the_real_numbers(guess):
    page = guess()
    bets(page)
    page.click("#guess-depths summary:has-text('See the sum')")
    expect(page.locator("#guess-depths pre").first).to_contain_text("(7 + 0.1) / (20 + 0.1 · 27) = 0.3128")
    expect(page.locator("#guess-depths pre").first).to_contain_text("= 1.68 bits")
    page.evaluate("document.activeElement.blur()")  # Enter would close the sum again
    letter = bet_all(page, "e")
    n = 20 if letter == "e" else 0
    page.click("#guess-depths summary:has-text('See the sum')")
    expect(page.locator("#guess-depths pre").first).to_contain_text(f"({n} + 0.1) / (20 + 0.1 · 27)")
    page.click("#guess-depths summary:has-text('Code')")
    expect(page.locator("#guess-depths")).to_contain_text("lmlab/evaluation/guessing.py, surprise")
    page.click("#guess-depths summary:has-text('As a table')")
    cells = page.locator("#guess-depths tbody td").all_inner_texts()
    assert cells[:3] == [".", letter, f"{paid(page)['you']:.2f}"]


def test_a_question_comes_before_the_summary(guess):
    page = guess()
    bets(page)
    name = finish_name(page)
    assert name in load_corpus("names").part("validation")
    expect(page.locator("#guess-game .total")).to_contain_text(f"The name is {name}.")
    expect(page.locator("#guess-places")).to_be_hidden()
    assert page.locator("#tab-guess button.primary:visible", has_text="Lock my guess").count() == 1
    # in the question the keyboard is the question's: no letter is guessed, and Enter begins no other name
    before = game(page, "seq")
    page.get_by_role("radio", name="the end mark").focus()
    page.keyboard.press("x")
    page.keyboard.press("Space")
    expect(page.get_by_role("radio", name="the end mark")).to_be_checked()
    page.keyboard.press("Enter")
    expect(page.locator("#guess-steps .now")).to_contain_text(
        "It is the first letter. The 4-gram pays 4.22 bits at the first letter, 3.09 in the middle, 1.66 at the end"
    )
    expect(page.locator("#guess-steps .now")).to_contain_text("In your own bets: first letter 4.75 bits (1 bet)")
    assert (game(page, "state"), game(page, "seq")) == ("over", before)
    page.wait_for_selector("#guess-places .fig[data-state=drawn]")
    assert marks(page) == ["unigram", "4-gram", "you", "your guess"]  # the bigram is asked about next
    answered(page, lambda: page.click("#guess-game [data-do=primary]"))
    expect(page.locator("#guess-before")).to_be_hidden()
    finish_name(page)
    expect(page.locator("#guess-steps .now")).to_contain_text("How many bits does the bigram pay")
    ruler = page.locator("#ruler .ruler")
    expect(ruler).to_have_attribute("data-veiled", "1")  # the ruler does not give the answer away
    assert "2.46" not in ruler.inner_text()
    assert marks(page) == ["unigram", "4-gram", "you", "your guess"]
    before = game(page, "seq")
    page.locator("#guess-guess input[type=range]").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#guess-steps .now")).to_contain_text("It pays 3.54 bits, 0.54 more than you said.")
    expect(ruler).to_have_attribute("data-veiled", "0")
    assert game(page, "seq") == before
    page.wait_for_function("document.querySelector('#guess-places .plot').data.length === 5")
    assert marks(page) == ["unigram", "bigram", "4-gram", "you", "your guess"]
    notes = page.eval_on_selector("#guess-places .plot", "plot => plot.layout.annotations.map(note => note.text)")
    assert {"your guess", "guess 3.0"} <= set(notes)


def marks(page) -> list[str]:
    """What stands on the chart of places."""
    return [trace["name"] for trace in data_of(page, "#guess-places")]


def test_after_a_name_of_guesses_the_chips_are_offered(guess):
    page = guess()
    finish_name(page)
    expect(page.locator("#guess-game [data-do=primary]")).to_have_text("Now bet with chips")
    answered(page, lambda: page.click("#guess-game [data-do=primary]"))
    expect(page.locator(GAME)).to_have_attribute("data-mode", "bets")
    expect(page.get_by_role("radio", name="Bet chips")).to_be_checked()


# --- what stays --------------------------------------------------------------------------------------------


def test_a_reload_goes_on_with_the_same_name_and_the_same_mark(guess):
    page = guess()
    bets(page)
    bet_all(page)
    mark = page.inner_text("#guess-score")
    letter = page.inner_text("#guess-game .name .letter .sign")
    page.reload()
    page.wait_for_selector(f"{GAME}[data-state=open]")
    bets(page)
    assert page.inner_text("#guess-game .name .letter .sign") == letter
    assert page.inner_text("#guess-score") == mark
    expect(page.locator("#ruler")).to_contain_text(" you")


def test_a_reload_at_the_question_between_two_names_finds_its_gap(guess):
    page = guess()
    bets(page)
    finish_name(page)
    page.click("#guess-skip")
    step = page.locator("#guess-steps .now")
    expect(step).to_contain_text("It is the first letter.")
    page.reload()
    page.wait_for_selector("#guess-places .fig[data-state=drawn]")
    expect(step).to_contain_text("It is the first letter.")
    page.locator("#guess-why textarea").fill("because")
    page.click("#guess-keep")
    expect(page.locator("#guess-keep")).to_have_count(0)


def test_in_two_tabs_a_letter_is_bet_on_once(guess, new_page):
    page = guess()
    bets(page)
    other = new_page(level="guess", context=page.context)
    other.wait_for_selector(f"{GAME}[data-state=open]")
    bets(other)
    bet_all(page)
    other.keyboard.type("ae")
    other.keyboard.press("Enter")
    answered(other, lambda: other.keyboard.press("Enter"))
    expect(other.locator("#tab-guess [role=alert]")).to_contain_text("This letter was locked before")
    assert game(other, "position") == game(page, "position") == "1"


def test_another_corpus_has_its_own_names_and_keys(guess):
    page = guess()
    open_level(page, "count")
    page.get_by_role("radio", name="Indian names", exact=True).check()
    expect(page.locator("#corpus")).to_contain_text("924 to learn from")
    open_level(page, "guess")
    expect(page.locator("#guess-game .key")).to_have_count(26)
    expect(page.locator("#guess-game .ladder li")).to_have_count(4)  # no trained model of these names


def test_letters_are_not_taken_from_a_text_field(guess):
    page = guess()
    before = game(page, "seq")
    page.evaluate("document.body.append(Object.assign(document.createElement('textarea'), {id: 'own-notes'}))")
    page.locator("#own-notes").fill("")
    page.locator("#own-notes").type("xyz")
    assert page.input_value("#own-notes") == "xyz"
    assert game(page, "seq") == before
    assert page.locator("#guess-game .slot.wrong").count() == 0


# --- a page that cheats ------------------------------------------------------------------------------------


def values(body: str) -> list[dict]:
    """The board's values in what the server answered."""
    found = []

    def look(part):
        if isinstance(part, dict):
            for inner in part.values():
                look(inner)
        elif isinstance(part, list):
            for inner in part:
                look(inner)
        elif isinstance(part, str) and part.startswith("{"):
            try:
                value = json.loads(part)
            except ValueError:
                return
            if "token" in value:
                found.append(value)

    for line in body.splitlines():
        try:
            look(json.loads(line.removeprefix("data: ")))
        except ValueError:
            continue
    return found


def test_nothing_about_the_name_reaches_the_page_before_its_bet(guess):
    """Every message and the whole document, letter by letter, over two names."""
    page = guess()
    before = page.content()  # with another name open: a beginning like "hee" stands in "sheet" anyway
    bodies: list[str] = []
    page.on("response", lambda answer: bodies.append(answer.text()) if "/gradio_api/" in answer.url else None)
    bets(page)
    opened, names = [], []
    for _ in range(2):
        name, seen = "", []  # seen: all that the page had before each letter's bet
        while game(page, "state") != "over":
            if game(page, "state") == "told":
                page.keyboard.press("Enter")
            seen.append("\n".join(bodies) + page.content())
            answered(page, lambda: page.click("#guess-game [data-do=skip]"))
            name += right(page)
        names.append(name)
        for known, text in enumerate(seen):
            if known > 1 and name[: known + 1] not in before:  # one or two letters stand in any text
                assert name[: known + 1] not in text.replace(name[:known] + "…", "")
        opened += [value for body in bodies for value in values(body) if not value["played"] and not value["over"]]
        answered(page, lambda: page.click("#guess-game [data-do=primary]"))
    # the answers that opened the names are equal to the letter, but for the token and the number of the drawing
    plain = {json.dumps({k: v for k, v in value.items() if k not in ("token", "seq")}) for value in opened}
    assert len({value["token"] for value in opened}) >= 2
    assert len(plain) == 1
    for value in (value for body in bodies for value in values(body)):
        assert set(value) == {
            "seq", "token", "mode", "letters", "keys", "models", "reference", "chips", "wrong", "played", "over",
            "just", "steps", "total",
        }  # fmt: skip
        assert bool(value["total"]) == value["over"]
        assert all(len(p) == 27 for each in value["played"] for p in each["p"])


def test_forged_moves_get_a_sentence_and_no_letter(guess):
    """The lock's own request, sent again with other contents, and from another visitor's page."""
    page, stranger = guess(), guess()
    sent = []
    page.on("request", lambda request: sent.append(request) if '"do":"lock"' in (request.post_data or "") else None)
    bets(page)
    bet_all(page)
    request = sent[0]
    body = json.loads(request.post_data)
    token = body["event_data"]["token"]

    def forge(session: str | None = None, **move):
        forged = {**body, "event_data": {**body["event_data"], "position": 1, **move}}
        if session:
            forged["session_hash"] = session
        answer = page.request.post(request.url, data=json.dumps(forged), headers={"content-type": "application/json"})
        assert answer.status == 200, answer.text()
        return answer.text()

    twenty = body["event_data"]["chips"]
    for move, sentence in (
        ({"position": 0}, "locked before"),
        ({"position": 7}, "locked before"),
        ({"chips": [20, 1] + 25 * [0]}, "has 21 chips"),
        ({"chips": [21, -1] + 25 * [0]}, "none is below zero"),
        ({"chips": [19.5, 0.5] + 25 * [0]}, "whole numbers"),
        ({"chips": [20]}, "no such key"),
        ({"chips": "all"}, "no such key"),
        ({"chips": 100_000 * [0]}, "no such key"),
        ({"do": "guess", "key": 0}, "another way"),
        ({"do": "peek"}, "does not know this move"),
        ({"token": "x" * 32}, "over, or not yours"),
        ({"token": None}, "over, or not yours"),
        ({"token": {"a": 1}}, "over, or not yours"),
    ):
        said = forge(**move)
        assert sentence in said, (move, said[:300])
        for value in values(said):
            assert len(value["played"]) <= 1
    # somebody else's page with the same token
    session = stranger.evaluate("window.gradio_config?.session_hash ?? null")
    requests = []
    stranger.on("request", lambda request: requests.append(request) if request.post_data else None)
    answered(stranger, lambda: stranger.keyboard.press("x"))
    session = next(json.loads(r.post_data)["session_hash"] for r in requests if "session_hash" in r.post_data)
    said = forge(session=session, token=token, chips=twenty)
    assert "over, or not yours" in said
    assert all(value["token"] != token for value in values(said))
    assert game(page, "position") == "1"


def test_a_link_opens_the_game_with_chips(new_page):
    page = new_page(level="guess", path="?preset=bets")
    expect(page.locator(GAME)).to_have_attribute("data-mode", "bets")
    expect(page.get_by_role("radio", name="Bet chips")).to_be_checked()
    bet_all(page)
    expect(page.locator("#guess-score")).to_contain_text("bits a letter")
