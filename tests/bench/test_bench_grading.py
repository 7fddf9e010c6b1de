"""The labs' bench in small."""

from benching import one_core  # noqa: F401 - a fixture

from lmlab.bench import grading


def test_a_lab_is_checked_and_a_class_graded():
    (row,) = grading.check(1, ("lab01",))
    assert (row.name, row.at, row.unit) == ("check", 1, "s")
    assert row.value > 0
    (row,) = grading.class_of(4)
    assert row.value > 0
    assert "4 submissions" in row.what


def test_without_a_clone_it_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr(grading, "SOLUTIONS", tmp_path / "nothing")
    rows = [*grading.check(1, ("lab01",)), *grading.class_of(4)]
    assert [row.value for row in rows] == [None, None]
    assert all("clone" in row.note for row in rows)
