"""Cards and folders of runs: who owns what, where it lies, how much may be kept. Needs no torch.

A run is a folder with `model.safetensors` and `run.json`, its card. Under `LMLAB_HOME` each owner has a
folder named by a hash of the owner's id, so that nobody can name another's; the bundled runs are everyone's.
"""

import hashlib
import json
import math
import os
import re
import secrets
import shutil
import threading
import time
import unicodedata
from collections import OrderedDict
from pathlib import Path
from typing import Any

from lmlab.errors import LabError
from lmlab.strings import t

SCHEMA = 2
"""The version of the format that is written. 1 did not tell the activation of a plain transformer: it was GELU."""
READABLE = (1, SCHEMA)
RUN_FILES = {"run.json", "model.safetensors", "moments.safetensors", "checkpoint.json", "checkpoint.safetensors"}
"""What may lie in a run's folder: saving replaces the whole folder, so nothing else may."""
LARGEST_CARD = 4_000_000  # bytes; a real card is far smaller
LARGEST_VOCABULARY = 250_000  # GPT-4o has 200,019
LONGEST_NAME = 30  # characters of a name that somebody gives to a model
MOST_HELD = 24_000_000  # bytes of cards, as they lie on the disk, that are kept parsed
PINNED_DAYS = 365.0  # a pinned run that nobody has touched for so long goes, too
BUNDLED = Path(__file__).parent / "bundled"
RUN_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")

# Two short lists make a name that can be remembered and said aloud.
_MOODS = "calm bold brisk bright clear deft eager fair fond glad keen kind lively mild neat plain quick slow sly warm"
_BIRDS = "heron otter finch robin wren swift lark stork crane raven plover dipper merlin osprey puffin curlew"


LEAST_FREE = 1_000_000_000  # bytes that must be free on the disk before anything of a visitor's is added


def home() -> Path:
    """`LMLAB_HOME`, or `~/.lmlab`."""
    return Path(os.environ.get("LMLAB_HOME") or Path.home() / ".lmlab")


def check_disk() -> None:
    """Raise `LabError` when the disk of the lab is almost full: visitors come and go, and nobody empties it."""
    place = home()
    while not place.exists():
        place = place.parent
    if shutil.disk_usage(place).free < LEAST_FREE:
        raise LabError(t("error.disk"))


def new_run_id() -> str:
    """A memorable name with enough chance in it to be unique, such as `calm-heron-3f2a`."""
    mood, bird = secrets.choice(_MOODS.split()), secrets.choice(_BIRDS.split())
    return f"{mood}-{bird}-{secrets.token_hex(2)}"


def short_name(run_id: str) -> str:
    """The part that people read.

    >>> short_name("calm-heron-3f2a")
    'calm-heron'
    """
    return re.sub(r"-[0-9a-f]{4}$", "", run_id)


def name_of(card: dict[str, Any]) -> str:
    """What a model is called: the name that its owner gave it, else the readable part of its id.

    >>> name_of({"id": "calm-heron-3f2a"}), name_of({"id": "calm-heron-3f2a", "title": "my first"})
    ('calm-heron', 'my first')
    """
    return card.get("title") or short_name(card["id"])


def owner_key(owner: str) -> str:
    """The name of an owner's folders: a hash, so that no owner id can lead anywhere else."""
    return hashlib.sha256(owner.encode("utf-8", "surrogatepass")).hexdigest()[:24]


def owner_folder(owner: str) -> Path:
    """Where an owner's runs lie."""
    return home() / "runs" / owner_key(owner)


def find_run(run_id: str, owner: str) -> Path:
    """The folder of a bundled run or of one of the owner's own. Raises `LabError` for any other."""
    if RUN_ID.fullmatch(run_id):
        for folder in (BUNDLED / run_id, owner_folder(owner) / run_id):
            if (folder / "run.json").is_file():
                return folder
    raise LabError(t("error.no_run", name=run_id[:64]))


def read_card(folder: str | Path) -> dict[str, Any]:
    """The card of a run, with what an older version left out. Raises `LabError` for no run and a damaged card.

    >>> read_card("/tmp")
    Traceback (most recent call last):
    lmlab.errors.LabError: /tmp is not a run: it has no run.json. Choose a folder that `train --out` or
    `count --out` made.
    """
    path = Path(folder) / "run.json"
    if not path.is_file():
        raise LabError(
            f"{folder} is not a run: it has no run.json. Choose a folder that `train --out` or `count --out` made."
        )
    try:
        if path.stat().st_size > LARGEST_CARD:
            raise ValueError
        card = json.loads(path.read_text("utf-8"))
        if not isinstance(card, dict):
            raise ValueError
        if card["schema"] in READABLE:
            _check(card)
            _complete(card)
    except (ValueError, KeyError, TypeError, AttributeError, OSError, RecursionError):
        raise LabError(f"The card {path} is damaged or not one of lmlab's. Train the model again.") from None
    if card["schema"] not in READABLE:
        raise LabError(
            f"The run {folder} has schema {card['schema']!r}; this version reads {READABLE[0]} to {SCHEMA}. "
            "Use the version of lmlab that wrote it."
        )
    return card


def _check(card: dict[str, Any]) -> None:
    """Raise `KeyError`, `TypeError` or `ValueError` where a card lacks what the screens read."""
    about = card["model"]
    whole = {"order", "context", "d_model", "n_layer"} & set(about["options"])
    numbers = [about["parameters"], *(about["options"][name] for name in whole)]
    texts = [card["id"], about["kind"], card["tokenizer"]["kind"], card["corpus"]["sha256"], card["corpus"]["name"]]
    texts.append(card.get("title", ""))
    loss = card["metrics"].get("validation", {}).get("nll")
    if about["kind"] == "ngram":
        texts.append(about["options"]["smoothing"])
        numbers += [about["options"]["order"], about["options"]["k"]]
    else:
        numbers.append(card["planned_steps"])
        numbers += [number for part in ("batch", "validation") for point in card["history"][part] for number in point]
        texts += [name for probe in card["history"]["names"] for name in probe["names"]]
    if not all(isinstance(text, str) for text in texts):
        raise TypeError
    if not all(isinstance(number, int | float) for number in [*numbers, loss or 0]):
        raise TypeError


def _complete(card: dict[str, Any]) -> None:
    """Say what went without saying in schema 1, so that a later default does not change an old model."""
    if card["schema"] == 1 and card["model"]["kind"] == "transformer":
        card["model"]["options"].setdefault("activation", "gelu")


def card_text(card: dict[str, Any]) -> str:
    """What `run.json` will hold. Raises `LabError` where no version could read it back.

    >>> card_text({"schema": 2, "loss": math.inf})
    '{"schema": 2, "loss": null}'
    """
    text = json.dumps(finite(card))
    if len(text) > LARGEST_CARD:
        history = {f"history of {name}": part for name, part in card.get("history", {}).items()}
        sizes = {name: len(json.dumps(finite(part))) for name, part in {**card, **history}.items()}
        sizes.pop("history", None)
        largest = max(sizes, key=lambda name: sizes[name])
        raise LabError(
            f"The card would have {len(text) / 1e6:.1f} MB, {sizes[largest] / 1e6:.1f} of them its {largest}; at "
            f"most {LARGEST_CARD / 1e6:g} MB can be read back. Use a smaller vocabulary, or measure less often."
        )
    return text


def check_vocabulary(size: int) -> None:
    """Raise `LabError` for more tokens than a run may have; ask before a training, not after it.

    >>> check_vocabulary(300_000)
    Traceback (most recent call last):
    lmlab.errors.LabError: The vocabulary has 300,000 tokens; a run may have at most 250,000. Use a smaller one.
    """
    if size > LARGEST_VOCABULARY:
        raise LabError(
            f"The vocabulary has {size:,} tokens; a run may have at most {LARGEST_VOCABULARY:,}. Use a smaller one."
        )


def finite(value: Any) -> Any:
    """Numbers that JSON knows: infinities and not-a-numbers become null.

    >>> finite({"loss": math.inf, "steps": [1, 2.5]})
    {'loss': None, 'steps': [1, 2.5]}
    """
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [finite(part) for part in value]
    return value


def list_runs(owner: str) -> list[dict[str, Any]]:
    """Cards of the bundled runs and of the owner's, oldest first; damaged ones are left out.

    They are kept from call to call and everybody gets the same ones: read them, change none.
    """
    cards = []
    for folder in [*sorted(BUNDLED.glob("*")), *sorted(owner_folder(owner).glob("*"))]:
        if not RUN_ID.fullmatch(folder.name):  # what a killed save has left behind
            continue
        card = _held_card(folder)
        if card is not None:
            cards.append(card)
    return sorted(cards, key=_created)


def _created(card: dict[str, Any]) -> float:
    created = card.get("created")
    return created if isinstance(created, int | float) else 0.0


_held: OrderedDict[Path, tuple[tuple[int, int, int], dict[str, Any] | None]] = OrderedDict()
"""Parsed cards by their files, the one used last at the end; None for a damaged one."""
_holding = threading.Lock()


def _held_card(folder: Path) -> dict[str, Any] | None:
    """The card of a run, parsed again only when its file has changed; None where there is none to read."""
    path = folder / "run.json"
    try:
        file = path.stat()
    except OSError:
        return None
    stamp = (file.st_mtime_ns, file.st_size, file.st_ino)
    with _holding:
        if path in _held and _held[path][0] == stamp:
            _held.move_to_end(path)
            return _held[path][1]
    try:
        card = read_card(folder)
    except LabError:
        card = None
    with _holding:
        _held[path] = (stamp, card)
        _held.move_to_end(path)
        size = sum(size for (_, size, _), _ in _held.values())
        while size > MOST_HELD and len(_held) > 1:
            (_, dropped, _), _ = _held.popitem(last=False)[1]
            size -= dropped
    return card


def drop_cards(folder: Path) -> None:
    """Let go of the parsed cards of all runs in a folder."""
    with _holding:
        for path in [path for path in _held if path.is_relative_to(folder)]:
            del _held[path]


# --- what an owner may change ------------------------------------------------------------------------------


def is_bundled(run_id: str) -> bool:
    """Whether a run comes with the lab."""
    return bool(RUN_ID.fullmatch(run_id)) and (BUNDLED / run_id / "run.json").is_file()


def checked_name(name: Any) -> str:
    """A name for a model, without needless spaces. Raises `LabError` for one that cannot stand in a list.

    >>> checked_name("  my   first table ")
    'my first table'
    >>> checked_name("")
    Traceback (most recent call last):
    lmlab.errors.LabError: The name is empty. Give the model a name of 1 to 30 characters.
    """
    if not isinstance(name, str):
        raise LabError(t("error.no_model_name", most=LONGEST_NAME))
    name = " ".join(unicodedata.normalize("NFC", name[: 10 * LONGEST_NAME]).split())
    if not name:
        raise LabError(t("error.empty_model_name", most=LONGEST_NAME))
    if len(name) > LONGEST_NAME:
        raise LabError(t("error.long_model_name", most=LONGEST_NAME))
    # Joiners are part of how some scripts are written; what turns the direction of the text is not.
    if not all(letter.isprintable() or letter in "\u200c\u200d" for letter in name):
        raise LabError(t("error.unseen_model_name"))
    return name


def rename_run(run_id: str, owner: str, name: Any) -> dict[str, Any]:
    """Give one of the owner's runs another name; its id stays. Returns the new card.

    Raises `LabError` for a name that is empty, too long or cannot be printed, and for a bundled run.
    """
    name = checked_name(name)
    return _changed(run_id, owner, "name", title=name)


def pin_run(run_id: str, owner: str, pinned: bool = True, most: int = 10) -> dict[str, Any]:
    """Keep one of the owner's runs from being tidied away, or no longer. Returns the new card.

    Raises `LabError` for a bundled run and where `most` are pinned already: there must be room for new ones.
    """
    if pinned:
        others = [card for card in list_runs(owner) if card.get("pinned") is True and card["id"] != run_id]
        if len(others) >= most:
            raise LabError(t("error.pins", n=len(others)))
    return _changed(run_id, owner, "pin", pinned=pinned)


def _changed(run_id: str, owner: str, what: str, **new: Any) -> dict[str, Any]:
    folder = find_run(run_id, owner)
    if folder.parent == BUNDLED:
        raise LabError(t(f"error.labs_{what}", name=short_name(run_id)))
    card = {**read_card(folder), **new}
    try:
        write_card(folder, card)
    except OSError:
        raise LabError(t("error.card_fixed", name=name_of(card)[:64])) from None
    return card


def write_card(folder: str | Path, card: dict[str, Any]) -> None:
    """Put another card into a run's folder, at once or not at all. Raises `OSError` when the disk refuses."""
    place = Path(folder) / "run.json"
    new = place.with_name(f".run.json.{os.getpid()}.{threading.get_ident()}.new")
    try:
        new.write_text(card_text(card), "utf-8")
        before = place.stat()
        # It is as old as it was: `tidy` goes by the age, and a new name makes no new model.
        os.utime(new, ns=(before.st_atime_ns, before.st_mtime_ns))
        os.replace(new, place)
    except OSError:
        new.unlink(missing_ok=True)
        raise


def delete_run(run_id: str, owner: str) -> None:
    """Remove one of the owner's runs; the bundled ones stay."""
    folder = find_run(run_id, owner)
    if folder.parent == BUNDLED:
        raise LabError(t("error.labs_delete", name=short_name(run_id)))
    shutil.rmtree(folder)


def _pinned(folder: Path) -> bool:
    card = _held_card(folder)
    return card is not None and card.get("pinned") is True


def tidy(owner: str, keep: int) -> None:
    """Keep the owner's newest runs only; pinned ones stay and count."""
    runs = sorted(owner_folder(owner).glob("*/run.json"), key=lambda card: card.stat().st_mtime)
    loose = [card.parent for card in runs if not _pinned(card.parent)]
    for folder in loose[: max(0, len(runs) - keep)]:
        shutil.rmtree(folder, ignore_errors=True)


def tidy_old(days: float) -> None:
    """Remove what nobody has touched for so many days; pinned runs stay for a year."""
    now = time.time()
    for kind in ("runs", "corpora", "jobs", "downloads"):
        for path in (home() / kind).glob("*/*"):
            age = (now - path.stat().st_mtime) / 86_400
            if age > days and not (kind == "runs" and age < PINNED_DAYS and _pinned(path)):
                shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
