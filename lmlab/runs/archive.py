"""A run as one file: a zip of its card and its weights, to take along and to bring back. Needs no torch.

Whatever comes back may have been made by anybody. Here it is only unpacked, with every size bounded by what is read
and not by what the file says; whether it is a model is for `lmlab.runs.store.load_run` to find out.
"""

import os
import zipfile
import zlib
from pathlib import Path

from lmlab.data.corpus import BUNDLED as BUNDLED_CORPORA
from lmlab.errors import LabError
from lmlab.runs.cards import LARGEST_CARD, card_text, read_card
from lmlab.strings import t

LARGEST_WEIGHTS = 12_000_000  # bytes: three million numbers, twice the largest model that the screens can make
PARTS = {"run.json": LARGEST_CARD, "model.safetensors": LARGEST_WEIGHTS}
"""What an archive holds: two files at its top, and how large each may be."""
STAYS_HERE = ("pinned", "moments")
"""What a card says of this place only: what is pinned on this bench, and files that do not travel."""
_CHUNK = 1 << 16


def pack_run(folder: str | Path, place: str | Path) -> Path:
    """Write the run in `folder` as a zip to `place`, which is returned.

    The card goes without what belongs to this machine: where the corpus lay, what is pinned. Raises `LabError` for no
    run, a run too large to be brought back, and a disk that refuses.
    """
    folder, place = Path(folder), Path(place)
    card = {key: value for key, value in read_card(folder).items() if key not in STAYS_HERE}
    card["corpus"] = {
        key: value
        for key, value in card["corpus"].items()
        if key != "source" or (isinstance(value, str) and value in BUNDLED_CORPORA)
    }
    new = place.with_name(f".{place.name}.{os.getpid()}.new")
    try:
        weights = folder / "model.safetensors"
        if weights.stat().st_size > LARGEST_WEIGHTS:
            raise LabError(t("error.heavy", size=weights.stat().st_size / 1e6, most=LARGEST_WEIGHTS / 1e6))
        place.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(new, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("run.json", card_text(card))
            archive.write(weights, "model.safetensors")
        os.replace(new, place)
    except OSError:
        raise LabError(t("error.pack_disk")) from None
    finally:
        new.unlink(missing_ok=True)
    return place


def unpack_run(archive: str | Path, folder: str | Path) -> None:
    """Put the two files of an archive into an existing `folder`. Raises `LabError` for anything else than an archive.

    The names inside are compared, never used as paths. A file is read until it ends or is too large: what the
    archive says about sizes does not count.
    """
    try:
        with zipfile.ZipFile(archive) as content:
            entries = content.infolist()
            if sorted(entry.filename for entry in entries) != sorted(PARTS):
                raise LabError(t("error.no_archive"))
            for entry in entries:
                if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or entry.flag_bits & 1:
                    raise LabError(t("error.odd_packing"))
                _copy(content, entry, Path(folder))
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, OSError) as error:
        if isinstance(error, LabError):
            raise
        raise LabError(t("error.damaged_zip")) from None


def _copy(content: zipfile.ZipFile, entry: zipfile.ZipInfo, folder: Path) -> None:
    most, taken = PARTS[entry.filename], 0
    with content.open(entry) as source, (folder / entry.filename).open("wb") as copy:
        while chunk := source.read(_CHUNK):
            taken += len(chunk)
            if taken > most:
                raise LabError(t("error.large_part", name=entry.filename, most=most / 1e6))
            copy.write(chunk)
