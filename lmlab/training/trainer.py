"""The one training loop. It takes one step at a time, so a worker can share its time between many runs.

    for progress in Trainer(model, corpus, Recipe(steps=1000)):
        print(progress)

A step is forward, loss, backward, update. Between steps the trainer measures the held-out loss and takes
probes (embeddings, a few texts from fixed dice), on steps that are planned so that both together cost at
most 5 % of the computing. Whatever is random has a generator of its own, so looking changes nothing.
"""

import contextlib
import copy
import hashlib
import math
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import torch
import torch.nn as nn
from torch import Tensor

from lmlab.data.corpus import Corpus
from lmlab.errors import LabError
from lmlab.evaluation.gradients import gradient_report
from lmlab.evaluation.loss import Loss
from lmlab.evaluation.novelty import novelty
from lmlab.evaluation.projection import project
from lmlab.generation.generate import generate
from lmlab.strings import t
from lmlab.tokenizers.characters import CharacterTokenizer
from lmlab.tokenizers.protocol import Tokenizer
from lmlab.training.objectives import Data, Measurement, Objective, objective_of
from lmlab.training.optimizers import make_optimizers, rate
from lmlab.training.recipe import Recipe

CURVE_POINTS = 600  # batch losses are averaged into at most about this many points
# Shares of the steps' computing; together under 5 %.
VALIDATION_SHARE, NAMES_SHARE, EMBEDDING_SHARE, GRADIENT_SHARE = 0.025, 0.008, 0.004, 0.01
MOST_PROBES = 60
MOST_POINTS = 300  # tokens of a picture, the first of the vocabulary: more are slow to project and heavy to keep
REMEMBER_EVERY = 50  # steps between the states that a diverged run can go back to
SURELY_LOST = 10  # steps in a row at three times the first loss

Measure = Literal["validation", "embedding", "names", "train"]


@dataclass(frozen=True)
class Progress:
    """Something that happened: a batch's loss, a measurement, a probe, or the end.

    `kind` is batch, validation, train, embedding, names, gradients, diverged or done; `loss` is in nats per
    character; `seconds` is computing time so far, without pauses.
    """

    kind: str
    step: int
    seconds: float
    loss: float | None = None
    data: dict[str, Any] = field(default_factory=dict)


class Batches:
    """Examples in a new random order each epoch, from a generator of its own."""

    def __init__(self, examples: Data, batch_size: int, seed: int) -> None:
        self.examples = examples
        self.batch_size = min(batch_size, len(examples))
        self._generator = torch.Generator().manual_seed(seed)
        self._shuffle()

    def _shuffle(self) -> None:
        self._before = self._generator.get_state()
        self._order = torch.randperm(len(self.examples), generator=self._generator)
        self.examples.new_epoch(self._generator)
        self._cursor = 0

    def next(self) -> Any:
        """The next batch; an epoch's incomplete last batch is left out."""
        if self._cursor + self.batch_size > len(self._order):
            self._shuffle()
        indices = self._order[self._cursor : self._cursor + self.batch_size]
        self._cursor += self.batch_size
        return self.examples.batch(indices)

    def state_dict(self) -> dict[str, Any]:
        """The generator as it was before this epoch's shuffle, and the place in the epoch."""
        return {"generator": self._before, "cursor": self._cursor}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue exactly where the state was taken."""
        self._generator.set_state(state["generator"])
        self._shuffle()
        self._cursor = state["cursor"]


class Trainer:
    """Trains a model on a corpus by a recipe.

    >>> from lmlab.data.corpus import load_corpus
    >>> from lmlab.models.build import build
    >>> corpus = load_corpus("names_indian")
    >>> model = build("mlp", {"d_hidden": 16}, vocab_size=1 + len(corpus.alphabet), seed=1)
    >>> trainer = Trainer(model, corpus, Recipe(steps=50, batch_size=32, learning_rate=0.02))
    >>> last = [progress for progress in trainer][-1]
    >>> last.kind, last.step, last.loss < math.log(26)
    ('done', 50, True)
    """

    def __init__(
        self,
        model: nn.Module,
        corpus: Corpus,
        recipe: Recipe,
        objective: Objective | None = None,
        tokenizer: Tokenizer | None = None,
    ) -> None:
        """By default the objective is the model's own and the tokenizer that of the corpus's characters."""
        torch.set_num_threads(recipe.threads)  # for the whole process: the sums depend on it
        self.model, self.corpus, self.recipe = model, corpus, recipe
        self.objective = objective or objective_of(model)
        self.tokenizer: Tokenizer = tokenizer or CharacterTokenizer(corpus.alphabet)
        if model.vocab_size != self.tokenizer.vocab_size:
            raise LabError(
                f"The model has {model.vocab_size} tokens and the corpus {self.tokenizer.vocab_size}: "
                "train on the corpus that the model was made for."
            )
        documents = corpus.part("train")[: recipe.train_size]
        self.examples = self.objective.examples(model, documents, self.tokenizer)
        window = getattr(model, "block_size", None)
        if corpus.kind == "text" and window is not None and self.examples.predictions < window:
            raise LabError(
                f"The text has {self.examples.predictions} tokens to learn from, fewer than the model's context of "
                f"{window}. Add more text, or choose a shorter context."
            )
        self.characters_per_token = (
            self.examples.characters / self.examples.predictions if self.objective.on_the_ruler else 1.0
        )
        """How many characters of the training text a token stands for: a batch's loss is told per character."""
        self._documents = {"train": documents, "validation": corpus.part("validation")}
        self._measurements: dict[str, Measurement] = {}
        self.optimizers = make_optimizers(model, recipe)
        self._dropout = any(isinstance(part, nn.Dropout) and part.p > 0 for part in model.modules())
        self.step_number = 0
        self.seconds = 0.0
        self.tokens = 0
        """Tokens learned from so far, each as often as it was seen."""
        self.finished = False
        self.before_stop: dict[str, Any] | None = None
        self.diverged: dict[str, Any] | None = None
        self.history: dict[str, list[Any]] = {"batch": [], "validation": [], "embedding": [], "names": []}
        if recipe.probe_gradients:
            self.history["gradients"] = []
        self.losses: dict[str, Loss] = {}
        self._first_loss: float | None = None
        self._lost = 0  # steps in a row far above the first loss
        self._bucket: list[float] = []
        self._good: dict[str, Any] | None = None
        self._measuring: Iterator[int] | None = None
        # The steps that the learning rate's schedule is made for; stopping early does not change them.
        self.scheduled = recipe.steps or self._plan(recipe.seconds or 1.0)
        if recipe.most_passes is not None:
            all_steps = math.ceil(recipe.most_passes * len(self.examples) / recipe.batch_size)
            self.scheduled = min(self.scheduled, all_steps)
        self.planned = self.scheduled
        # After the rehearsal, which draws from the examples as every epoch does.
        self.batches = Batches(self.examples, recipe.batch_size, stream_seed(recipe.seed, "batches"))
        self._plan_measurements()
        self._due: list[Measure] = self._measures_after(0)

    # --- plans ----------------------------------------------------------------------------------------

    def _plan(self, seconds: float) -> int:
        """How many steps fit the time: rehearse a few on a copy, so that the run itself is untouched."""
        model = copy.deepcopy(self.model)
        optimizers = make_optimizers(model, self.recipe)
        batches = Batches(self.examples, self.recipe.batch_size, seed=0)
        times = []
        for _ in range(12):
            begin = time.perf_counter()
            self.objective(model, batches.next()).backward()
            for optimizer in optimizers:
                optimizer.step()
                optimizer.zero_grad()
            times.append(time.perf_counter() - begin)
        step = sorted(times[4:])[4]
        return max(1, int(seconds * (1 - VALIDATION_SHARE - NAMES_SHARE - EMBEDDING_SHARE) / step))

    def _plan_measurements(self) -> None:
        """Fix the steps after which to measure, from the planned steps alone, so that a resumed run agrees.

        A prediction without a backward pass costs a third of one that learns in a small network, and a
        fifth in a larger one, whose optimiser takes its share. A probe is mostly overhead, so the bigger the
        network and the batch, the smaller its share of a step.
        """
        parameters = sum(weight.numel() for weight in self.model.parameters())
        small = min(1.0, (20_000 / parameters) ** 0.5)
        learned = (5 - 2 * small) * self.batches.batch_size * self.examples.predictions / len(self.examples)
        cost = self._measurement("validation").predictions / learned
        names_cost = 256 / self.batches.batch_size * small
        self._steps_to: dict[Measure, set[int]] = {
            "validation": measurement_steps(self.scheduled, cost, VALIDATION_SHARE),
            "embedding": measurement_steps(self.scheduled, names_cost / 10, EMBEDDING_SHARE, MOST_PROBES),
        }
        # A look at the gradients is one more pass forward and backward.
        self._gradient_steps = (
            measurement_steps(self.scheduled, 1.0, GRADIENT_SHARE, MOST_PROBES)
            if self.recipe.probe_gradients
            else set()
        )
        if self.objective.on_the_ruler:  # only a model of text can write some
            self._steps_to["names"] = measurement_steps(self.scheduled, names_cost, NAMES_SHARE, MOST_PROBES)

    def _measures_after(self, step: int) -> list[Measure]:
        if step == self.planned:
            texts: list[Measure] = ["names"] if self.objective.on_the_ruler else []
            return ["validation", "embedding", *texts, "train"]
        return [what for what, steps in self._steps_to.items() if self.recipe.validate and step in steps]

    # --- the loop -------------------------------------------------------------------------------------

    def __iter__(self) -> Iterator[Progress]:
        """Everything that happens, until the run is done."""
        while not self.finished:
            yield from self.step()

    def step(self) -> list[Progress]:
        """One optimisation step or one chunk of a measurement; returns what happened."""
        begin = time.perf_counter()
        if self.finished:
            return []
        if self._due:
            events = self._measure(self._due[0])
        elif self.step_number < self.planned and self.diverged is None:
            events = self._learn()
            self._due = self._due or self._measures_after(self.step_number)
        else:
            self.finished = True
            events = [self._event("done", self.losses["validation"].nll)]
        self.seconds += time.perf_counter() - begin
        return events

    def stop(self) -> None:
        """End early: what follows is the measurement of the end, as after the last planned step.

        The state of this moment is kept: from there the run can go on later as if it had never stopped.
        """
        if not self.finished:
            self.before_stop = copy.deepcopy(self.state_dict())
            self.planned = self.step_number
            self._measuring = None
            self._due = self._measures_after(self.step_number)

    def _learn(self) -> list[Progress]:
        self.model.train()
        batch = self.batches.next()
        loss = self._forward(batch)
        value = loss.item()
        if self._first_loss is None:
            self._first_loss = value
        self._lost = self._lost + 1 if value > self._highest() else 0
        if not math.isfinite(value) or self._lost >= SURELY_LOST:
            return [self._diverge(value)]
        if self.step_number % REMEMBER_EVERY == 0 and not self._lost:
            self._good = copy.deepcopy(self._state())  # the loss just said that these weights work
        for optimizer in self.optimizers:
            optimizer.zero_grad()
        loss.backward()
        if self.recipe.clip is not None:
            nn.utils.clip_grad_norm_(self.model.parameters(), self.recipe.clip)
        looking = self.step_number in self._gradient_steps
        before = {name: weight.detach().clone() for name, weight in self.model.named_parameters()} if looking else {}
        share = rate(self.recipe, self.step_number, self.scheduled)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = optimizer.defaults["lr"] * share
            optimizer.step()
        self.step_number += 1
        self.tokens += batch.predictions
        self._record_batch(value / self.characters_per_token)
        events = [self._event("batch", value / self.characters_per_token)]
        return [*events, self._look_at_gradients(batch, before)] if looking else events

    def _forward(self, batch: Any) -> Tensor:
        """The loss of a batch. Dropout has dice of its own at every step, so a run that goes on rolls the same."""
        with self._dice():
            return self.objective(self.model, batch)

    @contextlib.contextmanager
    def _dice(self) -> Iterator[None]:
        """Whatever rolls inside rolls the same at this step of every run with this seed."""
        if not self._dropout:
            yield
            return
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(stream_seed(self.recipe.seed, f"dropout {self.step_number}"))
            yield

    def _highest(self) -> float:
        """A loss above this is not a bad start any more: it is lost."""
        return 3 * max(self._first_loss or 0.0, math.log(self.tokenizer.vocab_size))

    def _record_batch(self, loss: float) -> None:
        self._bucket.append(loss)
        if self.step_number % max(1, self.scheduled // CURVE_POINTS) == 0:
            self.flush()

    def flush(self) -> None:
        """Put the batch losses that are not yet on the curve there, as one averaged point."""
        if self._bucket:
            self.history["batch"].append([self.step_number, sum(self._bucket) / len(self._bucket)])
            self._bucket = []

    def _measure(self, what: Measure) -> list[Progress]:
        """Go on with a measurement that is due; a loss takes several calls, the others one."""
        self.model.eval()
        if what in ("embedding", "names"):
            self._due.pop(0)
            return [self._look_at_embedding() if what == "embedding" else self._sample_names()]
        measurement = self._measurement(what)
        if self._measuring is None:
            self._measuring = measurement.chunks()
        if next(self._measuring, None) is not None:
            return []
        assert measurement.loss is not None
        self.losses[what] = loss = measurement.loss
        self._measuring = None
        self._due.pop(0)
        if what == "validation":
            # A high held-out loss is overfitting, which is a lesson; only no number at all is divergence.
            if not math.isfinite(loss.nll) and self._good is not None and self.diverged is None:
                return [self._diverge(loss.nll)]
            self.history["validation"].append([self.step_number, loss.nll])
        return [self._event(what, loss.nll)]

    def _measurement(self, part: str) -> Measurement:
        if part not in self._measurements:
            self._measurements[part] = self.objective.measure(self.model, self._documents[part], self.tokenizer)
        return self._measurements[part]

    def _look_at_embedding(self) -> Progress:
        """Where the tokens' vectors lie, in two dimensions."""
        before = self.history["embedding"][-1]["points"][:MOST_POINTS] if self.history["embedding"] else None
        vectors = self.model.embedding.weight.detach()[:MOST_POINTS].numpy()  # type: ignore[operator, union-attr]
        points, kept = project(vectors, like=before)
        probe = {"step": self.step_number, "points": points.round(4).tolist(), "kept": kept}
        self.history["embedding"].append(probe)
        return self._event("embedding", data=probe)

    def _look_at_gradients(self, batch: Any, before: dict[str, Tensor]) -> Progress:
        """How large gradients and updates are, layer by layer, and which units are saturated."""
        after = {name: weight.detach() for name, weight in self.model.named_parameters()}
        with self._dice():
            report = gradient_report(self.model, batch, self.objective, before, after)
        probe = {"step": self.step_number, **report}
        self.history["gradients"].append(probe)
        return self._event("gradients", data=probe)

    def _sample_names(self) -> Progress:
        """A few texts from the same dice as ever."""
        probe = {"step": self.step_number, **probe_texts(self.model, self.tokenizer, self.corpus, self.recipe)}
        self.history["names"].append(probe)
        return self._event("names", data=probe)

    def _diverge(self, value: float) -> Progress:
        """Go back to the last state whose loss was sound, and say what to change."""
        at = self.step_number
        assert self._good is not None
        seconds = self.seconds
        self.load_state_dict({**self.state_dict(), **self._good})  # what happened stays on the curve
        self.seconds = seconds  # and on the clock
        rate = self.recipe.learning_rate
        happened = "rose" if math.isfinite(value) else "no_number"
        self.diverged = {
            "at": at,
            "back_to": self.step_number,
            "sentence": t(
                f"error.diverged_{happened}", value=value, at=at, back=self.step_number, rate=rate,
                less=min(rate / 10, 0.1),
            ),
        }  # fmt: skip
        self.planned = self.step_number
        self._due = self._measures_after(self.step_number)
        return self._event("diverged", data=self.diverged)

    def _event(self, kind: str, loss: float | None = None, data: dict[str, Any] | None = None) -> Progress:
        return Progress(kind, self.step_number, self.seconds, loss, data or {})

    # --- stop and go on -------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Everything that a run needs to go on as if it had never stopped."""
        return {
            **self._state(),
            "history": copy.deepcopy(self.history),
            "losses": {part: asdict(loss) for part, loss in self.losses.items()},
            "good": copy.deepcopy(self._good),
            "diverged": self.diverged,
        }

    def _state(self) -> dict[str, Any]:
        """What changes the weights that follow; small and quick to copy, because a run remembers it often."""
        return {
            "model": self.model.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "batches": self.batches.state_dict(),
            "step": self.step_number,
            "planned": self.planned,
            "scheduled": self.scheduled,
            "seconds": self.seconds,
            "tokens": self.tokens,
            "bucket": list(self._bucket),
            "first_loss": self._first_loss,
            "lost": self._lost,
            "due": list(self._due),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state; a measurement that was under way begins again."""
        self.model.load_state_dict(state["model"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(copy.deepcopy(saved))
        self.batches.load_state_dict(state["batches"])
        self.step_number, self.planned, self.scheduled = state["step"], state["planned"], state["scheduled"]
        self.seconds, self.tokens = state["seconds"], state["tokens"]
        self.history = copy.deepcopy(state["history"])
        self._bucket = list(state["bucket"])
        self._first_loss, self._lost = state["first_loss"], state["lost"]
        self._due = list(state["due"])
        self._good, self.diverged = state["good"], state["diverged"]
        self.losses = {part: Loss(**loss) for part, loss in state["losses"].items()}
        self._measuring = None
        self._plan_measurements()


def probe_texts(model: Any, tokenizer: Tokenizer, corpus: Corpus, recipe: Recipe) -> dict[str, Any]:
    """A few texts of the model from the recipe's own dice, the same at every step: `names`, and `novelty` of each."""
    samples = generate(
        model,
        tokenizer,
        n=recipe.probe_names,
        limit=min(corpus.longest, 40 if corpus.kind == "names" else 100) + 5,
        seed=stream_seed(recipe.seed, "names"),
    )
    names = [sample.text for sample in samples]
    return {"names": names, "novelty": novelty(names, corpus, recipe.train_size)}


def measurement_steps(planned: int, cost: float, share: float, most: int = 200) -> set[int]:
    """After which steps to measure, when one measurement costs `cost` steps and all may cost `share` of them.

    Denser early on, where a curve falls fastest. The last step is always measured and not counted here.

    >>> sorted(measurement_steps(1000, cost=5.0, share=0.03))
    [0, 28, 111, 250, 444, 694]
    >>> measurement_steps(10, cost=4.0, share=0.05)
    set()
    """
    number = min(most, planned, int(share * planned / cost))
    return {round(planned * (i / number) ** 2) for i in range(number)} if number > 1 else set()


def stream_seed(seed: int, stream: str) -> int:
    """A seed of its own for each use of randomness, so that more of one never shifts another.

    >>> stream_seed(42, "batches") != stream_seed(42, "names")
    True
    """
    digest = hashlib.blake2b(f"{seed}/{stream}".encode(), digest_size=7).digest()
    return int.from_bytes(digest, "big")
