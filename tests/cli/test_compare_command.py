"""`compare` and `leaks`: one ladder for all models, and what a careless split does to it."""

import json

import pytest
from calling import INDIAN, answer, call, check_form, schema_of, sentence

from lmlab.data.corpus import load_corpus

QUICK = [*INDIAN, "--steps", 15, "--threads", 1]


@pytest.fixture(scope="module")
def compared():
    return answer("compare", "--models", "mlp,kneser-ney,uniform,bigram", "--seeds", 2, *QUICK)


def test_json_of_compare(compared):
    check_form(compared, schema_of("compare"))
    assert compared["seeds"] == [0, 1]
    assert [len(rung["losses"]) for rung in compared["rungs"] if rung["name"] == "mlp"] == [2]
    for rung in compared["rungs"]:
        assert rung["loss"] == pytest.approx(sum(rung["losses"]) / len(rung["losses"]))
        assert rung["bpc"] == pytest.approx(rung["loss"] / 0.693147, abs=1e-4)


def test_the_lowest_loss_stands_first_and_counted_models_have_no_spread(compared):
    losses = [rung["loss"] for rung in compared["rungs"]]
    assert losses == sorted(losses)
    by_name = {rung["name"]: rung for rung in compared["rungs"]}
    assert compared["rungs"][0]["name"] == "kneser-ney"
    assert compared["rungs"][-1]["name"] == "uniform"
    assert by_name["bigram"]["deviation"] == 0
    assert by_name["mlp"]["deviation"] > 0
    assert by_name["uniform"]["tokens_per_second"] is None
    assert by_name["kneser-ney"]["apart"] is True
    assert 0 <= by_name["mlp"]["memorised"] <= 1


def test_the_ladder_says_where_rungs_cannot_be_told_apart():
    same = answer("compare", "--models", "mlp,mlp-sensible", "--seeds", 2, *QUICK)  # one model under two names
    assert [rung["note"] for rung in same["rungs"]] == ["not distinguishable", ""]
    told = call("compare", "--models", "mlp,mlp-sensible", "--seeds", 2, *QUICK).stdout
    assert "≈ mlp and mlp-sensible: not distinguishable." in told
    once = call("compare", "--models", "mlp,bigram", "--seeds", 1, *QUICK).stdout
    assert "one seed cannot tell them apart" in once


def test_the_table_fits_a_terminal_of_80_columns():
    lines = call("compare", "--models", "mlp,bigram", "--seeds", 2, *QUICK).stdout.splitlines()
    assert any("±" in line and "mlp" in line for line in lines)
    assert all("…" not in line for line in lines)


def test_a_long_text_has_nothing_to_know_by_heart(tmp_path):
    text = tmp_path / "text.txt"
    text.write_text("to be, or not to be, that is the question\n" * 10, "utf-8")
    data = answer("compare", "--models", "bigram,uniform", "--corpus", text, "--kind", "text")
    check_form(data, schema_of("compare"))
    assert [rung["memorised"] for rung in data["rungs"]] == [None, None]


def test_a_ladder_can_be_written_down_with_how_it_was_found(tmp_path):
    place = tmp_path / "new" / "ladder.json"
    data = answer("compare", "--models", "bigram,mlp", "--seeds", 2, *QUICK, "--out", place)
    written = json.loads(place.read_text("utf-8"))
    assert written.items() >= data.items()
    assert written["command"].startswith("lmlab compare --models bigram,mlp --seeds 2 --corpus names_indian")
    assert written["command"].endswith("--threads 1 --steps 15")
    assert written["sha256"] == load_corpus("names_indian").sha256
    assert {"date", "versions", "split"} <= set(written)
    assert "cannot be saved" in sentence("compare", "--models", "bigram", *INDIAN, "--out", tmp_path)


def test_bad_wishes_for_a_ladder():
    assert "Did you mean 'bigram'?" in sentence("compare", "--models", "bigrm", *INDIAN)
    assert "No model is named" in sentence("compare", "--models", ",", *INDIAN)
    assert "0 seeds were asked for" in sentence("compare", "--models", "bigram", "--seeds", 0, *INDIAN)
    assert "give --steps or --seconds" in sentence("compare", "--steps", 5, "--seconds", 1, *INDIAN)
    assert "0 threads were asked for" in sentence("compare", "--models", "bigram", "--threads", 0, *INDIAN)


def test_json_of_leaks():
    data = answer("leaks", "--models", "bigram,mlp", "--steps", 5)
    check_form(data, schema_of("leaks"))
    assert data["clean"]["leaked"] == 0
    assert 0.1 < data["careless"]["share"] < 0.15  # about one held-out name in eight, as in the well-known file
    for row in data["models"]:
        assert row["flattery"] == pytest.approx(row["without_leak"] - row["with_leak"])


def test_a_model_that_remembers_is_flattered_most():
    rows = {row["name"]: row for row in answer("leaks", "--models", "bigram,kneser-ney")["models"]}
    assert rows["kneser-ney"]["flattery"] > 10 * abs(rows["bigram"]["flattery"])
    assert rows["kneser-ney"]["leaked"] < rows["kneser-ney"]["unleaked"]


def test_leaks_of_files_and_long_texts(tmp_path):
    names = tmp_path / "names.txt"
    names.write_text("ada\ngrace\nalan\nedsger\n" * 6, "utf-8")
    told = call("leaks", "--corpus", names, "--models", "bigram").stdout
    assert "As the lab splits names: 0 of" in told
    assert "flattery" in told
    text = answer("leaks", "--corpus", "shakespeare")
    check_form(text, schema_of("leaks"))
    assert (text["careless"], text["models"]) == (None, [])
    assert "Did you mean 'mlp'?" in sentence("leaks", "--models", "mlpp", *INDIAN)


def test_leaks_of_pasted_text_of_either_kind():
    pasted = "ada\ngrace\nalan\nedsger\n" * 6
    data = answer("leaks", "--corpus", pasted, "--models", "bigram")
    assert data["careless"]["total"] == 24  # the lines as they stand, repeats and all
    assert data["clean"]["total"] == 4
    text = answer("leaks", "--corpus", pasted, "--kind", "text")
    assert (text["careless"], text["models"]) == (None, [])
    lines = answer("leaks", "--corpus", "shakespeare", "--kind", "names", "--models", "uniform")
    assert lines["careless"]["share"] > 0
    assert "choose names or text" in sentence("leaks", *INDIAN, "--kind", "prose")


def test_leaks_are_written_down_with_how_they_were_found(tmp_path):
    place = tmp_path / "leaks.json"
    data = answer("leaks", "--models", "bigram", "--out", place, *INDIAN)
    written = json.loads(place.read_text("utf-8"))
    assert written["leaks"] == data["models"]
    assert written["command"] == "lmlab leaks --models bigram --seed 0 --corpus names_indian"
    assert written["seed"] == 0
    assert {"date", "versions", "sha256"} <= set(written)
    assert "nothing to write" in sentence("leaks", "--corpus", "shakespeare", "--out", place)


def test_bad_seeds_of_leaks():
    for seed in (-1, 2**63):
        assert f"The seed is {seed}: choose 0" in sentence("leaks", *INDIAN, "--seed", seed)
