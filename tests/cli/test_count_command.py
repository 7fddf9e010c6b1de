"""`count`: its JSON, and corpora and places that cannot be used."""

from pathlib import Path

import pytest
from calling import INDIAN, answer, call, check_form, schema_of, sentence

from lmlab.training.trainer import Trainer


@pytest.mark.parametrize("smoothing", ["mle", "add-k", "kneser-ney"])
def test_json_of_count(smoothing, tmp_path):
    data = answer("count", *INDIAN, "--order", 3, "--smoothing", smoothing, "--out", tmp_path / "run")
    check_form(data, schema_of("count"))
    assert (data["corpus"], data["order"], data["smoothing"]) == ("names_indian", 3, smoothing)
    assert data["k"] == (0.1 if smoothing == "add-k" else None)
    assert data["out"] == str(tmp_path / "run")
    assert (
        (data["validation"]["nll"] is None) == (data["validation"]["infinite_at"] is not None) == (smoothing == "mle")
    )


def test_bad_corpora(tmp_path):
    empty, latin = tmp_path / "empty.txt", tmp_path / "latin.txt"
    empty.write_bytes(b"")
    latin.write_bytes("zoë\nada\nalan\n".encode("latin-1"))
    assert "no corpus or file called 'nmaes'" in sentence("count", "--corpus", "nmaes")
    assert "Did you mean 'names'?" in sentence("count", "--corpus", "nmaes")
    assert "0 usable lines" in sentence("count", "--corpus", empty)
    assert "latin.txt is not UTF-8: byte 3" in sentence("count", "--corpus", latin)
    assert "no corpus or file" in sentence("count", "--corpus", tmp_path)
    assert "no corpus or file called 'xxx" in sentence("count", "--corpus", "x" * 5000)
    for command in (["train", "--model", "mlp", "--out", tmp_path / "run"],):
        assert "0 usable lines" in sentence(*command, "--corpus", empty)
    assert not (tmp_path / "run").exists()


def test_bad_places(tmp_path, monkeypatch):
    file = tmp_path / "file"
    file.write_text("mine")
    full = tmp_path / "full"
    full.mkdir()
    (full / "thesis.txt").write_text("mine")
    count = ["count", *INDIAN, "--out"]
    assert "is a file" in sentence(*count, file)
    assert "cannot be saved" in sentence(*count, file / "run")
    assert "holds other files, such as thesis.txt" in sentence(*count, full)
    assert "the one you work in" in sentence(*count, ".")
    # Saving replaces a run as a whole, so a folder with a run *and* other files is refused too.
    assert call("count", *INDIAN, "--out", tmp_path / "run").exit_code == 0
    assert call("count", *INDIAN, "--out", tmp_path / "run").exit_code == 0
    (tmp_path / "run" / "thesis.txt").write_text("mine")
    assert "thesis.txt" in sentence(*count, tmp_path / "run")
    monkeypatch.setattr(Trainer, "__init__", lambda *arguments: pytest.fail("it was found out after the work"))
    assert "holds other files" in sentence("train", "--model", "mlp", *INDIAN, "--out", full)
    if Path("/proc/self").exists():
        assert "cannot be saved in /proc/lmlab" in sentence(
            "train", "--model", "mlp", *INDIAN, "--out", "/proc/lmlab"
        )
