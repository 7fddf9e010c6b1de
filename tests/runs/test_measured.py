"""The ladder that comes with the lab: it is of our corpus, and what can be counted again says the same."""

import json
import math

import pytest

from lmlab.errors import LabError
from lmlab.evaluation.comparison import distinguishable
from lmlab.runs.ladder import COUNTED, LADDER, climb
from lmlab.runs.measured import MEASURED, measured_ladder, rungs_of, stamped, write_measured


@pytest.fixture(scope="module")
def measured(names):
    found = measured_ladder(names.sha256)
    assert found is not None, "no ladder of this corpus is bundled"
    return found


def test_the_bundled_ladder_is_of_the_bundled_names(measured, names):
    assert measured["sha256"] == names.sha256
    assert measured["split"] == names.split
    assert {rung["name"] for rung in measured["rungs"]} == set(LADDER)
    assert measured["command"] == "lmlab compare --models all --seeds 3 --corpus names --threads 1"
    assert not any(rung["diverged"] for rung in measured["rungs"])


def test_what_is_counted_is_counted_again_and_says_the_same(measured, names):
    by_name = {rung["name"]: rung for rung in measured["rungs"]}
    for name in COUNTED:
        again = climb(name, names)
        assert by_name[name]["loss"] == pytest.approx(again.loss.nll, rel=1e-12)
        assert by_name[name]["memorised"] == again.memorised
        assert by_name[name]["held_out"] == again.held_out
        assert by_name[name]["parameters"] == again.made.parameters


def test_a_written_ladder_gives_its_rungs_back(measured):
    rungs = rungs_of(measured)
    for rung, written in zip(rungs, measured["rungs"], strict=True):
        assert rung.mean == pytest.approx(written["loss"])
        assert rung.deviation == pytest.approx(written["deviation"])
        assert rung.deterministic == (rung.name in COUNTED)
    for better, worse, written in zip(rungs, rungs[1:], measured["rungs"], strict=False):
        assert distinguishable(better, worse) == written["apart"]


def test_networks_were_made_from_several_seeds(measured):
    for rung in rungs_of(measured):
        assert len(rung.losses) == (1 if rung.deterministic else 3)
        assert all(math.isfinite(loss) for loss in rung.losses)


def test_nobody_has_measured_this_corpus(small):
    assert measured_ladder(small.sha256) is None


def test_a_ladder_is_written_and_found_by_its_corpus(small, tmp_path, monkeypatch):
    monkeypatch.setattr("lmlab.runs.measured.MEASURED", tmp_path)
    write_measured(tmp_path / "small.json", stamped({"rungs": []}, "lmlab compare", small))
    assert measured_ladder(small.sha256)["command"] == "lmlab compare"
    with pytest.raises(LabError, match="Choose another place"):
        write_measured(tmp_path, {})


def test_the_files_are_plain_json():
    for path in MEASURED.glob("*.json"):
        text = path.read_text("utf-8")
        assert "NaN" not in text
        assert json.loads(text)["schema"] == 1
