import json
import os
import re
import time

import pytest

from lmlab.runs import cards
from lmlab.runs.cards import (
    RUN_ID,
    card_text,
    delete_run,
    find_run,
    is_bundled,
    list_runs,
    name_of,
    new_run_id,
    owner_folder,
    pin_run,
    read_card,
    rename_run,
    short_name,
    tidy,
    tidy_old,
)
from lmlab.runs.forget import forget_owner

TRICKS = [
    "",
    ".",
    "..",
    "../calm-heron-3f2a",
    "../../etc/passwd",
    "/etc/passwd",
    "a/b",
    "a\\b",
    "calm-heron-3f2a/",
    "calm-heron-3f2a\n",
    "calm-heron-3f2a\0",
    "~root",
    "CALM-heron",
    "-rf",
    ".calm-heron-3f2a.1.new",
    "ｃalm-heron",
    "calm‐heron",
    "calm․․heron",
    "٣٣",
    "x" * 65,
    "x" * 100_000,
    "%2e%2e%2f",
]


def card(created=1.0, **more):
    return {
        "schema": 2,
        "created": created,
        "id": "calm-heron-0000",
        "model": {"kind": "mlp", "options": {"context": 3}, "parameters": 9},
        "planned_steps": 10,
        "history": {"batch": [[1, 3.0]], "validation": [[0, 3.2]], "names": [{"step": 0, "names": ["emma"]}]},
        "tokenizer": {"kind": "characters", "alphabet": "ab"},
        "corpus": {"sha256": "0", "name": "names"},
        "metrics": {},
        **more,
    }


def put(folder, content=None):
    """A folder that looks like a run from outside."""
    folder.mkdir(parents=True)
    content = content if isinstance(content, str) else json.dumps(content or card(id=folder.name))
    (folder / "run.json").write_text(content, "utf-8")
    return folder


@pytest.fixture
def bundled(tmp_path, monkeypatch):
    folder = tmp_path / "bundled"
    monkeypatch.setattr(cards, "BUNDLED", folder)
    return folder


# --- names and owners -----------------------------------------------------------------------------------


def test_a_new_id_is_a_run_id_that_can_be_read_aloud():
    ids = {new_run_id() for _ in range(200)}
    assert len(ids) > 190
    for run_id in ids:
        assert RUN_ID.fullmatch(run_id)
        assert re.fullmatch(r"[a-z]+-[a-z]+", short_name(run_id))


def test_an_owner_finds_their_own_run(home):
    folder = put(owner_folder("ada") / "calm-heron-3f2a")
    assert find_run("calm-heron-3f2a", "ada") == folder
    assert folder.is_relative_to(home)


def test_nobody_reaches_the_run_of_another(home, bundled, refused):
    folder = put(owner_folder("ada") / "calm-heron-3f2a")
    elsewhere = folder.relative_to(home / "runs")
    tricks = ["calm-heron-3f2a", f"../{elsewhere}", str(folder), str(elsewhere), f"{elsewhere.parent.name}/x"]
    for run_id in tricks:
        for act in (find_run, delete_run):
            with refused("There is no run"):
                act(run_id, "eve")
    assert list_runs("eve") == []
    assert folder.is_dir()


@pytest.mark.parametrize("run_id", TRICKS, ids=repr)
def test_an_id_with_a_trick_is_refused(home, run_id):
    put(owner_folder("ada") / "calm-heron-3f2a")
    for act in (find_run, delete_run):
        with pytest.raises(cards.LabError, match="There is no run") as caught:
            act(run_id, "ada")
        assert len(str(caught.value)) < 200


@pytest.mark.parametrize("owner", ["../eve", "/", "", "..", "a/b", "x" * 10_000, "ada\0", "\ud800", "अदा"])
def test_no_owner_leads_out_of_the_home(home, owner):
    folder = owner_folder(owner)
    assert folder.parent == home / "runs"
    assert re.fullmatch(r"[0-9a-f]{24}", folder.name)


def test_owners_that_look_alike_have_folders_of_their_own(home):
    owners = ["ada", "Ada", "ada ", "ada\u0301", "adá", ""]
    assert len({owner_folder(owner) for owner in owners}) == len(owners)


# --- cards ----------------------------------------------------------------------------------------------


def test_a_sound_card_is_read_as_it_is(tmp_path):
    content = card(id="x", more={"deep": [1, 2]})
    assert read_card(put(tmp_path / "x", content)) == content


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "[1, 2]",
        "5",
        '"run"',
        "null",
        "{}",
        json.dumps({"schema": 1}),
        json.dumps(card(model=[])),
        json.dumps(card(model="mlp")),
        json.dumps(card(tokenizer=None)),
        json.dumps(card(corpus=[])),
        json.dumps({k: v for k, v in card().items() if k != "metrics"}),
        "[" * 100_000,
        '{"a":' * 50_000,
        "1" * 5_000,
        "\ufeff{}",
    ],
    ids=lambda content: content[:24],
)
def test_a_damaged_card_is_refused(refused, tmp_path, content):
    with refused("damaged or not one of lmlab's"):
        read_card(put(tmp_path / "x", content))


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", bytes(range(256)), os.urandom(500), b"\x00" * 100])
def test_random_bytes_are_no_card(refused, tmp_path, content):
    (tmp_path / "run.json").write_bytes(content)
    with refused("damaged or not one of lmlab's"):
        read_card(tmp_path)


def test_a_huge_card_is_not_even_read(refused, tmp_path):
    folder = put(tmp_path / "x", json.dumps(card(padding="x" * cards.LARGEST_CARD)))
    with refused("damaged or not one of lmlab's"):
        read_card(folder)


@pytest.mark.parametrize("schema", [0, 3, None, "1", []])
def test_a_card_of_another_version_says_so(refused, tmp_path, schema):
    with refused("has schema .*; this version reads 1 to 2. Use the version of lmlab that wrote it"):
        read_card(put(tmp_path / "x", card(schema=schema)))


@pytest.mark.parametrize(
    ("schema", "kind", "options", "activation"),
    [
        (1, "transformer", {}, "gelu"),
        (1, "transformer", {"activation": "relu"}, "relu"),
        (1, "mlp", {}, None),
        (2, "transformer", {}, None),
    ],
)
def test_an_old_card_is_completed_with_what_it_took_for_granted(tmp_path, schema, kind, options, activation):
    content = card(schema=schema, model={"kind": kind, "options": options, "parameters": 9})
    read = read_card(put(tmp_path / "x", content))
    assert read["model"]["options"].get("activation") == activation
    assert read["schema"] == schema
    assert {**read, "model": None} == {**content, "model": None}


def test_a_card_that_could_not_be_read_back_is_no_card(refused, monkeypatch):
    """The sentence names what takes the room."""
    monkeypatch.setattr(cards, "LARGEST_CARD", 20_000)
    assert json.loads(card_text(card())) == card()
    with refused(r"of them its history of batch; at most 0\.02 MB can be read back"):
        card_text(card(history={"batch": [[1, 3.0]] * 3_000, "validation": [[0, 3.2]] * 100}))
    with refused("of them its tokenizer"):
        card_text(card(tokenizer={"kind": "words", "words": ["a"] * 10_000}))


def test_a_folder_without_a_card_and_a_file_and_nothing_are_refused(refused, tmp_path):
    (tmp_path / "file").write_text("x")
    (tmp_path / "strange" / "run.json").mkdir(parents=True)
    for place in (tmp_path, tmp_path / "file", tmp_path / "strange", tmp_path / "nothing"):
        with refused("is not a run: it has no run.json"):
            read_card(place)


# --- lists ----------------------------------------------------------------------------------------------


def test_runs_are_listed_oldest_first_with_the_bundled_ones(home, bundled):
    put(bundled / "teacher", card(2.0, id="teacher"))
    for name, created in (("c", 3.0), ("a", 1.0)):
        put(owner_folder("ada") / name, card(created, id=name))
    put(owner_folder("eve") / "e", card(0.0, id="e"))
    assert [run["id"] for run in list_runs("ada")] == ["a", "teacher", "c"]
    assert [run["id"] for run in list_runs("nobody")] == ["teacher"]


def test_damaged_runs_are_left_out_of_the_list(home, bundled):
    put(owner_folder("ada") / "good")
    put(owner_folder("ada") / "bad", "{")
    (owner_folder("ada") / "empty").mkdir()
    (owner_folder("ada") / "stray.txt").write_text("x")
    assert [run["id"] for run in list_runs("ada")] == ["good"]


@pytest.mark.parametrize("created", ["yesterday", None, [1], {}])
def test_one_card_with_a_strange_date_does_not_break_the_list(home, bundled, created):
    put(owner_folder("ada") / "good")
    put(owner_folder("ada") / "strange", card(created, id="strange"))
    assert "good" in [run["id"] for run in list_runs("ada")]


def test_what_a_killed_save_left_behind_is_not_listed(home, bundled):
    put(owner_folder("ada") / "calm-heron-3f2a", card(id="calm-heron-3f2a"))
    put(owner_folder("ada") / ".calm-heron-3f2a.123.new", card(id="calm-heron-3f2a"))
    assert [run["id"] for run in list_runs("ada")] == ["calm-heron-3f2a"]


def test_an_empty_home_has_no_runs(home, bundled):
    assert list_runs("ada") == []
    tidy("ada", keep=3)
    tidy_old(1)


# --- deleting -------------------------------------------------------------------------------------------


def test_an_owner_deletes_their_own_run_and_no_other(home, refused):
    for name in ("one", "two"):
        put(owner_folder("ada") / name)
    delete_run("one", "ada")
    assert sorted(path.name for path in owner_folder("ada").iterdir()) == ["two"]
    with refused("There is no run 'one'"):
        delete_run("one", "ada")


def test_bundled_runs_are_found_by_all_and_deleted_by_nobody(home, bundled, refused):
    folder = put(bundled / "calm-heron-3f2a")
    assert find_run("calm-heron-3f2a", "anybody") == folder
    with refused("'calm-heron' belongs to the lab and stays"):
        delete_run("calm-heron-3f2a", "anybody")
    assert folder.is_dir()


def aged(folder, days):
    then = time.time() - days * 86_400
    for path in [*folder.rglob("*"), folder]:
        os.utime(path, (then, then))


def test_tidy_keeps_the_newest_of_one_owner(home):
    for days, name in enumerate(["newest", "newer", "older", "oldest"]):
        aged(put(owner_folder("ada") / name), days)
    put(owner_folder("eve") / "hers")
    tidy("ada", keep=2)
    assert sorted(path.name for path in owner_folder("ada").iterdir()) == ["newer", "newest"]
    assert (owner_folder("eve") / "hers").is_dir()
    tidy("ada", keep=2)
    tidy("ada", keep=100)
    assert len(list(owner_folder("ada").iterdir())) == 2


def test_tidy_old_removes_what_nobody_has_touched_and_nothing_else(home, tmp_path):
    old, new = put(owner_folder("ada") / "old"), put(owner_folder("ada") / "new")
    upload = home / "corpora" / "ada" / "old.txt"
    upload.parent.mkdir(parents=True)
    upload.write_text("x")
    outside = put(tmp_path / "elsewhere" / "ada" / "old")
    for folder in (old, outside):
        aged(folder, 40)
    os.utime(upload, (0, 0))
    aged(new, 20)
    tidy_old(days=30)
    assert not old.exists()
    assert not upload.exists()
    assert new.is_dir()
    assert outside.is_dir()


# --- names and pins -------------------------------------------------------------------------------------


def test_a_name_is_given_and_the_id_stays(home, bundled):
    folder = put(owner_folder("ada") / "calm-heron-3f2a")
    assert name_of(read_card(folder)) == "calm-heron"
    renamed = rename_run("calm-heron-3f2a", "ada", "  my\tfirst  table ")
    assert (renamed["id"], name_of(renamed)) == ("calm-heron-3f2a", "my first table")
    assert read_card(folder) == renamed
    assert [path.name for path in folder.iterdir()] == ["run.json"]


@pytest.mark.parametrize(
    "name", ["x" * 30, "é" * 30, "<img src=x onerror=alert(1)>", "{name}", "मेरी तालिका", "क्‍ष", "名前"]
)
def test_a_name_is_text_of_any_script_and_nothing_else(home, bundled, name):
    put(owner_folder("ada") / "one")
    assert name_of(rename_run("one", "ada", name)) == name
    assert name_of(list_runs("ada")[0]) == name


@pytest.mark.parametrize(
    "name", ["", "   ", "\n", "x" * 31, "x" * 1_000_000, "a\u202eb", "a\0b", "a\u200b", "\ud800", None, 5, ["x"], {}]
)
def test_what_is_no_name_is_refused_and_nothing_changes(home, bundled, refused, name):
    folder = put(owner_folder("ada") / "one")
    before = (folder / "run.json").read_bytes()
    with refused("name"):
        rename_run("one", "ada", name)
    assert (folder / "run.json").read_bytes() == before


def test_nobody_changes_the_runs_of_another_or_of_the_lab(home, bundled, refused):
    put(owner_folder("ada") / "hers")
    put(bundled / "teacher")
    for act in (lambda run: rename_run(run, "eve", "mine"), lambda run: pin_run(run, "eve")):
        with refused("There is no run 'hers'"):
            act("hers")
        with refused("'teacher' belongs to the lab"):
            act("teacher")
    assert is_bundled("teacher")
    assert not is_bundled("hers")
    assert not is_bundled("../bundled/teacher")


def test_a_card_that_cannot_be_written_stays_as_it_is(home, bundled, refused, monkeypatch):
    folder = put(owner_folder("ada") / "one")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cards.os, "replace", full)
    with refused("'mine' could not be changed"):
        rename_run("one", "ada", "mine")
    assert [path.name for path in folder.iterdir()] == ["run.json"]
    assert name_of(read_card(folder)) == "one"


def test_pinned_runs_stay_when_the_others_are_tidied_away(home, bundled):
    for days, name in enumerate(["newest", "newer", "older", "oldest"]):
        aged(put(owner_folder("ada") / name), days)
    assert pin_run("oldest", "ada")["pinned"] is True
    tidy("ada", keep=2)
    assert sorted(path.name for path in owner_folder("ada").iterdir()) == ["newest", "oldest"]
    pin_run("oldest", "ada", pinned=False)
    tidy("ada", keep=1)
    assert [path.name for path in owner_folder("ada").iterdir()] == ["newest"]


def test_a_new_name_makes_no_new_run(home, bundled):
    """It would outlive the runs that are younger."""
    for days, name in enumerate(["newer", "older"]):
        aged(put(owner_folder("ada") / name), days)
    rename_run("older", "ada", "mine")
    tidy("ada", keep=1)
    assert [path.name for path in owner_folder("ada").iterdir()] == ["newer"]


def test_only_so_many_can_be_pinned(home, bundled, refused):
    for name in "abc":
        put(owner_folder("ada") / name)
    pin_run("a", "ada", most=2)
    pin_run("b", "ada", most=2)
    pin_run("b", "ada", most=2)  # once more is no third
    with refused("You have pinned 2 models"):
        pin_run("c", "ada", most=2)
    pin_run("a", "ada", pinned=False, most=2)
    pin_run("c", "ada", most=2)


def test_a_pinned_run_outlives_the_days_but_not_for_ever(home, bundled):
    for name in ("pinned", "ancient", "loose"):
        put(owner_folder("ada") / name)
    pin_run("pinned", "ada")
    pin_run("ancient", "ada")
    aged(owner_folder("ada") / "pinned", 40)
    aged(owner_folder("ada") / "loose", 40)
    aged(owner_folder("ada") / "ancient", 400)
    tidy_old(days=30)
    assert [path.name for path in owner_folder("ada").iterdir()] == ["pinned"]


# --- kept parsed ----------------------------------------------------------------------------------------


@pytest.fixture
def parsed(monkeypatch):
    """The folders whose cards were parsed, in order."""
    found, parse = [], cards.read_card

    def counted(folder):
        found.append(folder.name)
        return parse(folder)

    monkeypatch.setattr(cards, "read_card", counted)
    monkeypatch.setattr(cards, "_held", type(cards._held)())
    return found


def test_cards_are_parsed_once_until_their_files_change(home, bundled, parsed):
    """Twenty large ones are listed at every refresh of every page."""
    for name in "abc":
        put(owner_folder("ada") / name)
    put(owner_folder("ada") / "bad", "{")
    for _ in range(3):
        assert len(list_runs("ada")) == 3
    assert sorted(parsed) == ["a", "b", "bad", "c"]
    rename_run("b", "ada", "mine")
    del parsed[:]
    assert [name_of(run) for run in list_runs("ada")] == ["a", "mine", "c"]
    assert parsed == ["b"]
    delete_run("b", "ada")
    assert len(list_runs("ada")) == 2
    assert parsed == ["b"]


def test_two_names_of_one_length_in_one_instant_are_told_apart(home, bundled):
    put(owner_folder("ada") / "a")
    for name in ("one", "two", "six") * 5:
        rename_run("a", "ada", name)
        assert name_of(list_runs("ada")[0]) == name


def test_the_cards_that_are_kept_have_a_limit(home, bundled, parsed, monkeypatch):
    monkeypatch.setattr(cards, "MOST_HELD", 20_000)
    for name in "abcdef":
        put(owner_folder("ada") / name, card(id=name, padding="x" * 5_000))
    assert len(list_runs("ada")) == 6
    assert 1 <= len(cards._held) <= 3
    assert len(list_runs("ada")) == 6


def test_a_forgotten_owners_cards_go_from_memory_too(home, bundled, parsed):
    for owner in ("ada", "grace"):
        put(owner_folder(owner) / "a")
        assert len(list_runs(owner)) == 1
    forget_owner("ada")
    assert [path.parent.parent for path in cards._held] == [owner_folder("grace")]
    assert list_runs("ada") == []
