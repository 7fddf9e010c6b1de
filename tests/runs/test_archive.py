"""A run as one file: what is packed comes back, and nothing else comes in."""

import contextlib
import io
import json
import struct
import zipfile

import pytest

from lmlab.runs import archive
from lmlab.runs.archive import pack_run, unpack_run
from lmlab.runs.cards import BUNDLED, read_card


def zipped(place, **files):
    """A zip whose files are given by their names, with `__` for a dot."""
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as content:
        for name, text in files.items():
            content.writestr(name.replace("__", "."), text)
    return place


def test_what_is_packed_comes_back(tmp_path):
    place = pack_run(BUNDLED / "plain-finch", tmp_path / "new" / "finch.zip")
    assert zipfile.ZipFile(place).namelist() == ["run.json", "model.safetensors"]
    assert [path.name for path in place.parent.iterdir()] == ["finch.zip"]
    unpack_run(place, tmp_path)
    same = (BUNDLED / "plain-finch" / "model.safetensors").read_bytes()
    assert (tmp_path / "model.safetensors").read_bytes() == same
    before, after = read_card(BUNDLED / "plain-finch"), read_card(tmp_path)
    assert after["history"] == before["history"]
    assert after["metrics"] == before["metrics"]


@pytest.mark.parametrize(
    ("source", "told"), [("names", True), ("/home/ada/corpora/secret.txt", False), (["x"], False), (None, False)]
)
def test_a_packed_card_does_not_tell_where_the_corpus_lay(tmp_path, source, told):
    card = read_card(BUNDLED / "plain-finch")
    card["corpus"]["source"] = source
    (tmp_path / "run.json").write_text(json.dumps({**card, "pinned": True, "moments": [0, 5]}))
    (tmp_path / "model.safetensors").write_bytes(b"x")
    content = zipfile.ZipFile(pack_run(tmp_path, tmp_path / "x.zip"))
    packed = json.loads(content.read("run.json"))
    assert ("source" in packed["corpus"]) == told
    assert "pinned" not in packed
    assert "moments" not in packed
    assert b"secret" not in content.read("run.json")


def test_what_could_not_be_brought_back_is_not_packed(tmp_path, refused, monkeypatch):
    monkeypatch.setattr(archive, "LARGEST_WEIGHTS", 1_000)
    with refused("at most"):
        pack_run(BUNDLED / "plain-finch", tmp_path / "x.zip")
    with refused("is not a run"):
        pack_run(tmp_path, tmp_path / "x.zip")
    assert list(tmp_path.iterdir()) == []


OTHER = [
    {"run__json": "{}"},
    {"model__safetensors": "x"},
    {"run__json": "{}", "model__safetensors": "x", "more": "x"},
    {"../run__json": "{}", "model__safetensors": "x"},
    {"/tmp/run__json": "{}", "model__safetensors": "x"},
    {"run__json": "{}", "runs/model__safetensors": "x"},
    {"RUN__JSON": "{}", "model__safetensors": "x"},
    {"run__json/": "", "model__safetensors": "x"},
    {},
]


@pytest.mark.parametrize("files", OTHER, ids=lambda files: " ".join(files) or "nothing")
def test_other_names_and_paths_are_refused(tmp_path, refused, files):
    folder = tmp_path / "in"
    folder.mkdir()
    with refused("must hold run.json and model.safetensors, and nothing else"):
        unpack_run(zipped(tmp_path / "x.zip", **files), folder)
    assert list(folder.iterdir()) == []


def test_a_name_twice_is_refused(tmp_path, refused):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as content:
        content.writestr("run.json", "{}")
        with pytest.warns(UserWarning, match="Duplicate name"):
            content.writestr("run.json", "{}")
        content.writestr("model.safetensors", "x")
    with refused("nothing else"):
        unpack_run(tmp_path / "x.zip", tmp_path)


@pytest.mark.parametrize("name", ["run__json", "model__safetensors"])
def test_a_bomb_is_read_no_further_than_its_limit(tmp_path, refused, name):
    """A thousand times smaller than what it unpacks to."""
    files = {"run__json": "{}", "model__safetensors": "x", name: b"\0" * 40_000_000}
    place = zipped(tmp_path / "x.zip", **files)
    assert place.stat().st_size < 100_000
    with refused("is larger than"):
        unpack_run(place, tmp_path)
    taken = (tmp_path / name.replace("__", ".")).stat().st_size
    assert taken <= archive.PARTS[name.replace("__", ".")]


def test_a_bomb_that_lies_about_its_size_is_no_smaller(tmp_path, refused):
    """The size in the header says 10 bytes: whatever zipfile makes of it, no more than the limit is written."""
    zipped(tmp_path / "x.zip", run__json="{}", model__safetensors=b"\0" * 40_000_000)
    content = bytearray((tmp_path / "x.zip").read_bytes())
    at = content.rindex(b"PK\x01\x02")  # the last entry of the directory: the weights
    content[at + 24 : at + 28] = struct.pack("<I", 10)
    (tmp_path / "x.zip").write_bytes(content)
    with refused("damaged|larger"):
        unpack_run(tmp_path / "x.zip", tmp_path)
    assert (tmp_path / "model.safetensors").stat().st_size <= archive.LARGEST_WEIGHTS


@pytest.mark.parametrize("way", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_ways_to_pack_are_refused(tmp_path, refused, way):
    with zipfile.ZipFile(tmp_path / "x.zip", "w", way) as content:
        for name in archive.PARTS:
            content.writestr(name, "{}")
    with refused("packed in a way"):
        unpack_run(tmp_path / "x.zip", tmp_path)


@pytest.mark.parametrize(
    "content", [b"", b"PK", b"hello", b"PK\x05\x06" + b"\0" * 18, b"\x80\x04K\x01.", b"\0" * 1000]
)
def test_what_is_no_zip_is_refused(tmp_path, refused, content):
    (tmp_path / "x.zip").write_bytes(content)
    with refused("Choose one that Export made"):
        unpack_run(tmp_path / "x.zip", tmp_path)


def test_damage_of_any_byte_is_a_sentence_or_harmless(tmp_path, refused):
    """Every byte of a small archive, turned over: nothing else than a refusal or two files."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as content:
        for name in archive.PARTS:
            content.writestr(name, "{}")
    folder = tmp_path / "in"
    folder.mkdir()
    for at in range(len(whole.getvalue())):
        broken = bytearray(whole.getvalue())
        broken[at] ^= 0xFF
        (tmp_path / "x.zip").write_bytes(broken)
        with contextlib.suppress(archive.LabError):
            unpack_run(tmp_path / "x.zip", folder)
        assert {path.name for path in folder.iterdir()} <= set(archive.PARTS)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "x.zip"]
