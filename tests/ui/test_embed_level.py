"""The level Embeddings."""

import pytest
from playing import data_of, open_level, seq, wait_for_new
from playwright.sync_api import expect


@pytest.fixture
def embeddings(new_page):
    page = new_page()
    open_level(page, "embed")
    page.wait_for_selector("#embed-plot .fig[data-state=drawn]")
    return page


def choose(page, level: str, name: str) -> None:
    page.click(f"#{level}-model input")
    page.locator("ul.options li, [role=option]").filter(has_text=name).first.click()


def click_letter(page, letter: str) -> None:
    at = page.eval_on_selector(
        "#embed-plot .plot",
        """(plot, letter) => {
            plot.scrollIntoView({block: 'center'});
            const t = plot.data[plot.data.length - 1];
            const i = t.text.findIndex(s => s.replace(/<[^>]*>/g, '') === letter);
            const {xaxis, yaxis} = plot._fullLayout, r = plot.getBoundingClientRect();
            return [r.left + xaxis._offset + xaxis.c2p(t.x[i]), r.top + yaxis._offset + yaxis.c2p(t.y[i])];
        }""",
        letter,
    )
    page.mouse.move(*at)
    page.mouse.click(*at)


def test_letters_stand_there_before_any_click_with_the_variance_kept(embeddings):
    texts = data_of(embeddings, "#embed-plot")[-1]["text"]
    assert len(texts) == 27
    assert "<b>a</b>" in texts  # vowels are marked
    assert "% of the variance" in embeddings.inner_text("#embed-plot [data-part=said]")


def test_a_click_on_a_letter_lists_its_neighbours(embeddings):
    click_letter(embeddings, "a")
    expect(embeddings.locator("#embed-near h3")).to_have_text("Nearest to a")
    near = embeddings.locator("#embed-near tbody tr")
    expect(near).to_have_count(5)
    distances = [float(text) for text in embeddings.locator("#embed-near td.num").all_inner_texts()]
    assert distances == sorted(distances)
    assert {"e", "i", "o", "u"} & set(embeddings.locator("#embed-near td.mono").all_inner_texts())


def test_the_trails_can_be_hidden(embeddings):
    before = seq(embeddings, "#embed-plot")
    assert len(data_of(embeddings, "#embed-plot")) > 1
    embeddings.get_by_label("Show the way the vowels came").uncheck()
    wait_for_new(embeddings, "#embed-plot", before)
    assert len(data_of(embeddings, "#embed-plot")) == 1


def test_another_model_has_other_places(embeddings):
    before, points = seq(embeddings, "#embed-plot"), data_of(embeddings, "#embed-plot")[-1]["x"]
    choose(embeddings, "embed", "plain-finch")
    wait_for_new(embeddings, "#embed-plot", before)
    assert data_of(embeddings, "#embed-plot")[-1]["x"] != points
    expect(embeddings.locator("#bench button[aria-pressed=true]")).to_contain_text("plain-finch")
