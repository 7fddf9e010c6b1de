from lmlab.evaluation.novelty import novelty


def test_a_name_of_each_side_is_told_apart(names):
    for part, mark in (("train", "training"), ("validation", "held out"), ("test", "held out")):
        assert novelty(names.part(part)[:50], names) == [mark] * 50


def test_what_stands_nowhere_is_new(names):
    assert novelty(["zzzzzz", "", "qqjx"], names) == ["new"] * 3


def test_spelling_differences_that_cleaning_removes_do_not_count(names):
    known = names.part("train")[0]
    assert novelty([f" {known.upper()} "], names) == ["training"]
