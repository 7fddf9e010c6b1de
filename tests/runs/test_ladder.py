"""The ladder: every name stands for a model, seeds make a spread, and the rungs lie where they should."""

import math

import pytest
import torch

from lmlab.errors import LabError
from lmlab.evaluation.loss import evaluate
from lmlab.models.ngram import count
from lmlab.models.protocol import LanguageModel
from lmlab.runs.ladder import COUNTED, LADDER, Counted, Uniform, climb, find, ladder, make, rung_of
from lmlab.tokenizers.characters import CharacterTokenizer
from lmlab.training.presets import PRESETS, Preset


def test_the_uniform_model_is_one_of_ours_and_loses_ln_v():
    model = Uniform(27)
    assert isinstance(model, LanguageModel)
    logits, state = model.next(torch.zeros(3, 2, dtype=torch.long))
    assert logits.shape == (3, 27)
    assert state == ()
    loss = evaluate(model, ["abc", "d"], CharacterTokenizer("abcdefghijklmnopqrstuvwxyz"))
    assert loss.nll == pytest.approx(math.log(27))


def test_every_name_of_the_ladder_is_found(refused):
    assert set(COUNTED) < set(LADDER)
    for name in LADDER:
        find(name)
    with pytest.raises(LabError, match="Did you mean 'trigram'"):
        find("trigramm")
    with refused("Choose from: uniform, unigram"):
        find("xyz")


def test_a_model_without_a_loss_is_refused(refused, monkeypatch):
    monkeypatch.setitem(PRESETS, "places-only", Preset("skip-gram", "", ""))
    with refused("'places-only' places tokens in space"):
        find("places-only")


def test_counted_rungs_stand_where_the_curriculum_says(names):
    losses = [climb(name, names, samples=1).loss.nll for name in ("uniform", "unigram", "bigram", "trigram")]
    assert losses == sorted(losses, reverse=True)
    lowest = climb("kneser-ney", names, samples=1).loss.nll
    assert lowest < min(losses)
    # The ladder's own models are those of `count`, measured on the validation documents.
    tokenizer = CharacterTokenizer(names.alphabet)
    again = evaluate(count(names, 3, "add-k", 0.1, tokenizer), names.part("validation"), tokenizer)
    assert losses[-1] == again.nll


def test_the_test_documents_stay_closed(small, monkeypatch):
    part = type(small).part
    asked = []
    monkeypatch.setattr(type(small), "part", lambda self, which: asked.append(which) or part(self, which))
    climb("mlp", small, steps=2, samples=5)
    climb("bigram", small, samples=5)
    assert set(asked) == {"train", "validation"}


def test_seeds_make_a_spread_and_the_same_seed_none(small):
    (climbs,) = ladder(["mlp"], small, seeds=3, steps=20, samples=10)
    assert [each.seed for each in climbs] == [0, 1, 2]
    rung = rung_of(climbs)
    assert len(set(rung.losses)) == 3
    assert rung.deviation > 0
    assert not rung.deterministic
    again = climb("mlp", small, seed=1, steps=20, samples=10)
    assert again.loss.nll == rung.losses[1]
    assert rung.parameters == sum(weight.numel() for weight in again.made.model.parameters())
    assert rung.tokens_per_second == pytest.approx(
        sum(each.made.tokens for each in climbs) / sum(each.made.seconds for each in climbs)
    )


def test_counted_models_are_made_once_whatever_the_seeds(small):
    found = list(ladder(["bigram", "uniform", "bigram"], small, seeds=4, samples=10))
    assert [[each.name for each in climbs] for climbs in found] == [["bigram"], ["uniform"]]
    rung = rung_of(found[0])
    assert rung.deterministic
    assert rung.deviation == 0
    assert found[0][0].made.tokens == sum(len(name) + 1 for name in small.part("train"))
    assert rung_of(found[1]).tokens_per_second is None  # nothing was counted


def test_names_are_looked_up_before_anything_is_made(small, refused, monkeypatch):
    monkeypatch.setattr("lmlab.runs.ladder.climb", lambda *about, **how: pytest.fail("a model was made"))
    with pytest.raises(LabError, match="Did you mean 'bigram'"):
        next(ladder(["mlp", "bigrm"], small))
    with refused("0 seeds"):
        next(ladder(["bigram"], small, seeds=0))


def test_what_is_memorised_is_the_share_of_training_names(small, monkeypatch):
    class Reciter(Uniform):
        """Knows one training name by heart, and nothing else."""

        def next(self, ids, state=None):
            place = 0 if state is None else state[0][0, 0].item() + 1
            wanted = [*CharacterTokenizer(small.alphabet).encode(small.part("train")[0]), 0]
            logits = torch.full((len(ids), self.vocab_size), -torch.inf)
            logits[:, wanted[place]] = 0.0
            return logits, (torch.full((len(ids), 1), place),)

    monkeypatch.setattr("lmlab.runs.ladder.Uniform", Reciter)
    known = climb("uniform", small, samples=7)
    assert (known.memorised, known.held_out) == (1.0, 0.0)


def test_a_network_that_saw_few_names_is_asked_about_those_only(names_indian, monkeypatch):
    asked = []

    def novelty(texts, corpus, train_size):
        asked.append(train_size)
        return ["new"] * len(texts)

    monkeypatch.setattr("lmlab.runs.ladder.novelty", novelty)
    climb("transformer-500-names", names_indian, steps=1, samples=2)
    assert asked == [PRESETS["transformer-500-names"].recipe.train_size] == [500]


def test_watching_tells_each_step_and_changes_nothing(small):
    told = []
    watched = make("mlp", small, steps=5, watch=lambda *about: told.append(about))
    assert told == [("mlp", 0, step, 5) for step in range(1, 6)]
    alone = make("mlp", small, steps=5)
    for one, other in zip(watched.model.parameters(), alone.model.parameters(), strict=True):
        assert torch.equal(one, other)


def test_a_training_that_diverges_says_so(small):
    made = make("mlp-too-fast", small, steps=200)
    if made.diverged is None:
        pytest.fail("this preset is made to diverge")
    assert "too high" in made.diverged


def test_counted_models_have_an_idea_and_a_source():
    for counted in COUNTED.values():
        assert isinstance(counted, Counted)
        assert counted.idea.endswith(".")
        assert counted.source
