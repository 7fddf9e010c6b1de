"""What the unit tests share: corpora, networks with weights that say something, and what a good refusal is."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import settings

from lmlab.data.corpus import Corpus, load_corpus, names_corpus
from lmlab.errors import LabError
from lmlab.models.build import build
from lmlab.tokenizers.characters import CharacterTokenizer

# Fixtures hold no doctests, and two files of one name cannot both be looked through for some.
collect_ignore_glob = ["*conftest.py"]

torch.set_num_threads(1)
settings.register_profile("lab", deadline=None, database=None, derandomize=True, max_examples=60)
settings.load_profile("lab")

A_FEW = """anna bob carla dave eve frank gina hugo ida jack karl lena mia noah olga paul
quinn rosa sam tina ulla vera willow xaver yara zoe adam berta cora dora emil fritz"""


@pytest.fixture(scope="session")
def names() -> Corpus:
    """The bundled names."""
    return load_corpus("names")


@pytest.fixture(scope="session")
def names_indian() -> Corpus:
    """The smaller bundled names."""
    return load_corpus("names_indian")


@pytest.fixture(scope="session")
def small() -> Corpus:
    """Thirty-two names, enough for a training that takes a blink."""
    return names_corpus(A_FEW.split(), "a few")


@pytest.fixture(scope="session")
def small_tokenizer(small: Corpus) -> CharacterTokenizer:
    return CharacterTokenizer(small.alphabet)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty `LMLAB_HOME`."""
    folder = tmp_path / "home"
    monkeypatch.setenv("LMLAB_HOME", str(folder))
    return folder


@pytest.fixture(scope="session")
def shaken() -> Callable[..., Any]:
    """A network whose every weight is random: an untrained one has a head of zeros and says nothing."""

    def make(kind: str, options: dict[str, Any], vocab_size: int, seed: int = 1, spread: float = 0.4) -> Any:
        model = build(kind, options, vocab_size, seed)
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for weight in model.parameters():
                weight.add_(spread * torch.randn(weight.shape, generator=generator))
        return model.eval()

    return make


@pytest.fixture(scope="session")
def refused() -> Callable[[str], AbstractContextManager[None]]:
    """`with refused("words"):` expects a `LabError` in readable words, whose text matches."""

    @contextmanager
    def expect(match: str = "") -> Iterator[None]:
        with pytest.raises(LabError, match=match or None) as caught:
            yield
        said = str(caught.value)
        assert caught.type is LabError
        assert said.endswith((".", "?")), said
        assert "\n" not in said, said
        assert "Traceback" not in said, said

    return expect
