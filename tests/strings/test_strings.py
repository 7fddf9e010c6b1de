"""The catalogue: complete in every language, with the same values in it, and nothing asked for that it lacks."""

import math
import re
from pathlib import Path

import pytest

import lmlab
from lmlab import strings

SOURCES = sorted(Path(lmlab.__file__).parent.rglob("*.py"))
VALUE = re.compile(r"(?<!%)\{(\w+)[^}]*\}")


def values_in(text: str) -> set[str]:
    return set(VALUE.findall(text))


def words_in(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]{3,}", re.sub(r"\{[^}]*\}|<[^>]*>", "", text))


@pytest.mark.parametrize("language", [code for code in strings.LANGUAGES if code != "en"])
def test_every_language_says_everything_with_the_same_values(language):
    english, other = strings.catalogue("en"), strings.catalogue(language)
    assert sorted(other) == sorted(english)
    assert {name for name in english if values_in(english[name]) != values_in(other[name])} == set()
    # A sentence of four words is never the same in two languages.
    same = [name for name in english if english[name] == other[name] and len(words_in(english[name])) > 3]
    assert same == []


@pytest.mark.parametrize("language", strings.LANGUAGES)
def test_no_string_ends_the_script_or_the_template_that_carries_it(language):
    """Strings travel inside scripts and Gradio's templates: a translation must not be able to run code there."""
    dangerous = re.compile(r"\$\{|<[a-z/!]|`", re.IGNORECASE)
    allowed = r"<extra></extra>|</?su[bp]>|<br>"  # what plotly draws, and nothing with attributes
    texts = {name: re.sub(allowed, "", VALUE.sub("", text)) for name, text in strings.catalogue(language).items()}
    assert [name for name, text in texts.items() if dangerous.search(text)] == []
    assert [name for name, text in texts.items() if name.startswith("widget.") and "{{" in text] == []


@pytest.mark.parametrize("language", strings.LANGUAGES)
def test_the_numbers_in_the_glossary_are_right(language):
    words = strings.catalogue(language)
    assert f"{1 / math.log(2):.2f}" in words["glossary.nat.means"].replace(",", ".")
    assert f"{math.log(2):.2f}" in words["glossary.bit.means"].replace(",", ".")
    assert str(round(math.exp(math.log(27)))) in words["glossary.perplexity.means"]


def test_every_plural_has_both_forms():
    names = strings.catalogue("en")
    stems = {name.rpartition(".")[0] for name in names if name.endswith((".one", ".other"))}
    assert {stem for stem in stems if f"{stem}.one" not in names or f"{stem}.other" not in names} == set()


def test_what_the_code_asks_for_by_name_is_there():
    english = strings.catalogue("en")
    code = "\n".join(path.read_text("utf-8") for path in SOURCES)
    asked = set(re.findall(r'\bt\(\s*"([\w.\-]+)"', code))
    plural = set(re.findall(r'\btn\(\s*"([\w.\-]+)"', code))
    assert len(asked) > 200
    assert {name for name in asked if name not in english} == set()
    assert {name for name in plural if f"{name}.other" not in english} == set()


def test_a_missing_translation_falls_back_to_english_and_a_missing_name_is_an_error():
    with strings.speaking("tlh"):
        assert strings.t("predict.skip") == "Skip"
    with pytest.raises(KeyError):
        strings.t("nothing.of.the.kind")


def test_what_is_put_in_is_never_read_as_a_pattern():
    assert "{0.__class__}" in strings.t("bench.renamed", name="{0.__class__}")


WIDGETS = Path(lmlab.__file__).parent / "ui" / "widgets"
SCRIPTS = sorted(path for path in WIDGETS.glob("*.js") if (WIDGETS / f"{path.stem}.py").exists())


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_what_a_script_asks_for_stands_in_its_section(script):
    """A name that is missing there would be shown to the student as it is."""
    asked = set(re.findall(r'\bt\("(\w+(?:\.\w+)*)"', script.read_text("utf-8")))
    there = strings.section(f"widget.{script.stem}") | strings.section("widget.veil")
    assert asked <= set(there), sorted(asked - set(there))
