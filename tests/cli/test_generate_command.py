"""`generate`: its rules, and which texts are new."""

import json

import pytest
from calling import ALONE, INDIAN, MANY_SCRIPTS, answer, call, check_form, quick, schema_of, sentence

from lmlab.data.corpus import load_corpus
from lmlab.evaluation.memorisation import edit_distances


def test_json_of_generate(trained):
    data = answer("generate", trained, "-n", 5, "--prefix", "An", "--method", "top-k", "--seed", 3)
    check_form(data, schema_of("generate"))
    assert (data["method"], data["top_k"], data["temperature"], data["seed"]) == ("top-k", 5, 1.0, 3)
    assert data["prefix"] == "an"  # lower-cased as the names were
    assert all(sample["text"].startswith("an") for sample in data["samples"])
    assert {sample["novelty"] for sample in data["samples"]} <= {"training", "held out", "new"}
    assert len(answer("generate", trained, "-n", 3)["samples"]) == 3


def test_novelty_needs_the_very_corpus_of_the_run(tmp_path):
    names = tmp_path / "names.txt"
    few = ["ab", "cd", "ef", "gh", "ij", "kl", "mn", "op"]  # every letter says what follows: nothing can be invented
    names.write_text("\n".join(few), "utf-8")
    run = tmp_path / "run"
    answer("count", "--corpus", names, "--order", 2, "--smoothing", "mle", "--out", run)
    card = json.loads((run / "run.json").read_text())
    assert card["corpus"]["source"] == str(names)
    assert {sample["novelty"] for sample in answer("generate", run)["samples"]} == {"training"}
    names.write_text("\n".join([*few, "qr"]), "utf-8")
    assert {sample["novelty"] for sample in answer("generate", run)["samples"]} == {None}
    assert "not at hand" in call("generate", run).stdout
    names.unlink()
    assert {sample["novelty"] for sample in answer("generate", run)["samples"]} == {None}


def test_novelty_finds_a_bundled_corpus_by_its_name(tmp_path):
    run = tmp_path / "run"
    answer("count", *INDIAN, "--order", 3, "--smoothing", "mle", "--out", run)
    card = json.loads((run / "run.json").read_text())
    del card["corpus"]["source"]
    (run / "run.json").write_text(json.dumps(card))
    assert "training" in {sample["novelty"] for sample in answer("generate", run, "-n", 100)["samples"]}


def test_a_name_that_the_model_never_saw_is_no_memory(tmp_path):
    run = tmp_path / "run"
    quick(run, "--train-size", 10)
    train = load_corpus("names_indian").part("train")
    samples = answer("generate", run, "-n", 400, "--temperature", 0.7)["samples"]
    marks = {sample["text"]: sample["novelty"] for sample in samples}
    unread = set(train[10:]) & set(marks)
    assert unread
    assert {marks[name] for name in unread} == {"held out"}


def test_the_shares_and_the_nearest_names(tmp_path):
    run = tmp_path / "run"
    answer("count", *INDIAN, "--order", 4, "--smoothing", "kneser-ney", "--out", run)
    corpus = load_corpus("names_indian")
    data = answer("generate", run, "-n", 60, "--nearest")
    check_form(data, schema_of("generate"))
    marks = [sample["novelty"] for sample in data["samples"]]
    assert {"training", "new"} <= set(marks)
    assert data["shares"] == {
        mark.replace(" ", "_"): marks.count(mark) / 60 for mark in ("training", "held out", "new")
    }
    for sample in data["samples"]:
        assert (sample["nearest"] is not None) == (sample["novelty"] == "new")
        if sample["nearest"]:
            name, distance = sample["nearest"]["name"], sample["nearest"]["distance"]
            assert name in corpus.part("train")
            all_distances = edit_distances(sample["text"], corpus.part("train"))
            assert distance == all_distances.min() == edit_distances(sample["text"], [name])[0] > 0
    distances = [sample["nearest"]["distance"] for sample in data["samples"] if sample["nearest"]]
    report = data["memorised"]
    assert (report["samples"], report["new"], report["training"]) == (60, len(distances), marks.count("training"))
    assert report["distance_new"] == pytest.approx(sum(distances) / len(distances))
    plain = answer("generate", run, "-n", 60)
    check_form(plain, schema_of("generate"))
    assert (plain["shares"], plain["memorised"]) == (data["shares"], None)
    told = call("generate", run, "-n", 60, "--nearest").stdout
    assert "nearest training name" in told
    assert f"Of 60 texts: {data['shares']['training']:.1%} training, " in told
    assert f"A new text is {report['distance_new']:.2f} edits from the nearest training name" in told
    assert "nearest" not in call("generate", run, "-n", 60).stdout


def test_what_has_no_nearest_name(tmp_path):
    text = tmp_path / "text.txt"
    text.write_text("to be, or not to be, that is the question\n" * 3, "utf-8")
    answer("count", "--corpus", text, "--kind", "text", "--out", tmp_path / "text")
    assert "one long text" in sentence("generate", tmp_path / "text", "--nearest")
    data = answer("generate", tmp_path / "text")
    check_form(data, schema_of("generate"))
    assert (data["shares"], data["memorised"]) == (None, None)
    text.write_text("ada\ngrace\nalan\n", "utf-8")
    answer("count", "--corpus", text, "--out", tmp_path / "names")
    text.unlink()
    gone = answer("generate", tmp_path / "names", "--nearest")
    check_form(gone, schema_of("generate"))
    assert (gone["shares"], gone["memorised"], gone["samples"][0]["nearest"]) == (None, None, None)


def test_the_rules_of_sampling_are_applied(trained):
    greedy = answer("generate", trained, "--method", "greedy", "-n", 3)["samples"]
    assert len({sample["text"] for sample in greedy}) == 1
    assert answer("generate", trained, "--temperature", 0, "-n", 1)["samples"][0]["text"] == greedy[0]["text"]
    assert answer("generate", trained, "--top-k", 1, "-n", 1)["samples"][0]["text"] == greedy[0]["text"]
    assert answer("generate", trained, "--seed", 1) != answer("generate", trained, "--seed", 2)
    assert answer("generate", trained, "--top-p", 0.3)["top_p"] == 0.3
    assert answer("generate", trained, "--method", "min-p")["min_p"] == 0.1
    short = answer("generate", trained, "-n", 20, "--limit", 2)["samples"]
    assert all(len(sample["text"]) <= 2 for sample in short)


def test_any_script_works_from_end_to_end(tmp_path):
    names = tmp_path / "नाम.txt"
    names.write_text("\n".join(MANY_SCRIPTS), "utf-8")
    for place, make in (
        (tmp_path / "counted", ["count", "--smoothing", "kneser-ney", "--order", 3]),
        (
            tmp_path / "मॉडल",
            ["train", "--model", "transformer-one-block", "--steps", 5, "--batch-size", 4, *ALONE],
        ),
    ):
        assert answer(*make, "--corpus", names, "--out", place)["validation"]["nll"] > 0
        samples = answer("generate", place, "--prefix", "प्रि", "-n", 4)["samples"]
        assert all(sample["text"].startswith("प्रि") for sample in samples)
        assert answer("evaluate", place, "--corpus", names)["train"]["nll"] > 0
        assert "प्रि" in call("generate", place, "--prefix", "प्रि", "-n", 4).stdout
        assert "😀" in call("generate", place, "--prefix", "😀", "-n", 4).stdout


def test_bad_wishes_for_texts(trained):
    assert "'7' is not in the vocabulary" in sentence("generate", trained, "--prefix", "an7")
    assert "top-p needs 0 < p <= 1" in sentence("generate", trained, "--top-p", 0)
    assert "top-k keeps at least 1" in sentence("generate", trained, "--top-k", 0)
    assert "min-p is 2" in sentence("generate", trained, "--min-p", 2)
    assert "The temperature is -1" in sentence("generate", trained, "--temperature", -1)
    assert "The temperature is nan" in sentence("generate", trained, "--temperature", "nan")
    assert "no method 'beam'" in sentence("generate", trained, "--method", "beam")
    assert "0 texts were asked for" in sentence("generate", trained, "-n", 0)
    assert "20,000,000" in sentence("generate", trained, "-n", 10_000, "--limit", 10_000)
    assert "The seed is" in sentence("generate", trained, "--seed", 2**64)
    assert "shorten the prefix" in sentence("generate", trained, "--prefix", "a" * 60)
