"""Lab 12, honest evaluation: what is checked, the mistakes people make, and the numbers of its README."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np

from lmlab.data.corpus import load_corpus, raw_lines
from lmlab.grading.exercise import Args, Exercise, Item, Wrong

FEW = "abcdefg"
SYMBOLS = 27  # a to z and the mark
LN2 = math.log(2)
Tokens = list[np.ndarray]
Three = tuple[float, float, float]


# --- the reference ---------------------------------------------------------------------------------------------


def characters(texts: Sequence[str]) -> int:
    """Letters and ends."""
    return sum(len(text) + 1 for text in texts)


def bits_per_char(token_nats: Tokens, texts: list[str]) -> float:
    """The nats of all tokens as bits, over the characters that they spell."""
    if len(token_nats) != len(texts):
        raise ValueError(f"there are {len(token_nats)} lists of losses for {len(texts)} texts")
    return everything(token_nats) / LN2 / characters(texts)


def everything(token_nats: Tokens) -> float:
    """The nats of all tokens of all texts."""
    if not token_nats:
        raise ValueError("there are no losses")
    return float(sum(np.sum(one) for one in token_nats))


def distinct_split(lines: list[str], u: np.ndarray, share: float) -> tuple[list[str], list[str]]:
    """Each name on the side that its first line's number says."""
    refuse_share(share)
    first: dict[str, float] = {}
    for line, number in zip(lines, u, strict=True):
        first.setdefault(line, float(number))
    return [line for line in first if first[line] >= share], [line for line in first if first[line] < share]


def refuse_share(share: float) -> None:
    """What distinct_split and its mistakes refuse."""
    if not 0 < share < 1:
        raise ValueError(f"share is {share:g}, which is not between 0 and 1")


def leak_effect(train: list[str], held_out: list[str], nats: np.ndarray) -> Three:
    """The share of known lines, and the loss on these and on the new ones."""
    known = known_lines(train, held_out, nats)
    return float(known.mean()), *both_losses(known, held_out, nats)


def known_lines(train: Sequence[str], held_out: list[str], nats: np.ndarray) -> np.ndarray:
    """(n,) which held-out lines stand in train. Refuses losses that are not one a line."""
    if len(held_out) != len(nats):
        raise ValueError(f"there are {len(nats)} losses for {len(held_out)} lines")
    seen = set(train)
    return np.array([line in seen for line in held_out], dtype=bool)


def both_losses(known: np.ndarray, lines: list[str], nats: np.ndarray) -> tuple[float, float]:
    """Nats per character of the lines that are known, and of those that are not; nan where there are none."""
    chars = np.array([len(line) + 1 for line in lines])
    parts = [(nats[which].sum(), chars[which].sum()) for which in (known, ~known)]
    first, second = (float(total / number) if number else math.nan for total, number in parts)
    return first, second


def bootstrap(nats: np.ndarray, chars: np.ndarray, picks: np.ndarray) -> Three:
    """The loss, and the interval that holds the middle 95 % of the losses of all resampled lists."""
    resampled = losses_of_picks(nats, chars, picks)
    low, high = np.quantile(resampled, [0.025, 0.975])
    return float(nats.sum() / chars.sum()), float(low), float(high)


def losses_of_picks(nats: np.ndarray, chars: np.ndarray, picks: np.ndarray) -> np.ndarray:
    """(R,) the loss of each resampled list of names."""
    if picks.shape[1] != len(nats):
        raise ValueError(f"a row of picks has {picks.shape[1]} places for {len(nats)} names")
    return nats[picks].sum(axis=1) / chars[picks].sum(axis=1)


def compare(a: np.ndarray, b: np.ndarray) -> Three:
    """The mean difference, its standard error name by name, and the one of two separate lists."""
    if len(a) != len(b) or len(a) < 2:
        raise ValueError(f"{len(a)} and {len(b)} losses cannot be paired; it takes the same number, at least 2")
    return float(np.mean(a - b)), error_of(a - b), math.hypot(error_of(a), error_of(b))


def error_of(x: np.ndarray, ddof: int = 1) -> float:
    """The standard error of a mean."""
    return float(np.std(x, ddof=ddof) / math.sqrt(len(x)))


def pick(choose: np.ndarray, confirm: np.ndarray) -> tuple[int, float, float]:
    """The best model on the one set, its loss there, and its loss on the other."""
    if len(choose) != len(confirm):
        raise ValueError(f"choose has {len(choose)} models and confirm {len(confirm)}")
    best = int(np.argmin(choose.mean(axis=1)))
    return best, float(choose[best].mean()), float(confirm[best].mean())


# --- the arguments ---------------------------------------------------------------------------------------------


def some_names(rng: np.random.Generator, number: int = 6, letters: str = FEW) -> list[str]:
    """Different names, the first of them much longer than the second."""
    lengths = [8, 3, *rng.integers(3, 8, number - 2)]
    names: dict[str, None] = {}
    while len(names) < number:
        names["".join(rng.choice(list(letters), lengths[len(names)]))] = None
    return list(names)


def tokens_of(rng: np.random.Generator, texts: list[str]) -> Tokens:
    """The losses of fewer tokens than a text has letters, the end being one of them."""
    return [rng.uniform(0.5, 6, int(rng.integers(2, len(text) + 1))) for text in texts]


def tokenized(rng: np.random.Generator, letters: str = FEW) -> Args:
    """Losses of tokens, and their texts."""
    texts = some_names(rng, letters=letters)
    return tokens_of(rng, texts), texts


def one_text_less(rng: np.random.Generator) -> Args:
    """Losses of one text more than there are, or of one less."""
    losses, texts = tokenized(rng)
    return (losses, texts[:-1]) if rng.random() < 0.5 else (losses[:-1], texts)


def lines_with_repeats(rng: np.random.Generator, repeats: bool = True) -> Args:
    """Lines, a number for each, and a share. Repeats stand on the other side than the first of their name."""
    names = some_names(rng, 10)
    share = float(rng.uniform(0.3, 0.45))
    held = np.arange(10) % 3 == 0
    if not repeats:
        return names, numbers(rng, held, share), share
    again = [0, 1, 4, 3]  # two of each side
    lines = [*names[:6], *(names[i] for i in again), *names[6:]]
    return lines, numbers(rng, np.concatenate([held[:6], ~held[again], held[6:]]), share), share


def numbers(rng: np.random.Generator, below: np.ndarray, share: float) -> np.ndarray:
    """Random numbers, of which some are below the share and the others above; one of these is the share itself."""
    u = rng.random(len(below))
    u[int(np.flatnonzero(~below)[0])] = 0
    return np.where(below, share * u, share + (1 - share) * u)


def bad_share(rng: np.random.Generator) -> Args:
    """A share of ten or more, as in percent, or one below 0."""
    lines, u, _ = lines_with_repeats(rng)
    return lines, u, float(rng.choice([float(rng.integers(10, 50)), -0.1]))


def all_or_none(rng: np.random.Generator) -> Args:
    """A share with which one of the two lists would be empty."""
    lines, u, _ = lines_with_repeats(rng)
    return lines, u, float(rng.integers(2))


def leaky(rng: np.random.Generator) -> Args:
    """Training lines, held-out lines of which some are known (one of them twice), and their losses."""
    names = some_names(rng, 14)
    parts = [names[0][:4], names[0][2:7]]
    held_out = [*names[1:4], names[2], *names[9:], *parts]
    held_out = [held_out[i] for i in rng.permutation(len(held_out))]
    nats = np.array([rng.uniform(1, 3) * (len(line) + 1) for line in held_out])
    return [*names[:9], *names[1:3]], held_out, nats


def without_leak(rng: np.random.Generator) -> Args:
    """Held-out lines none of which is known."""
    train, held_out, nats = leaky(rng)
    new = [i for i, line in enumerate(held_out) if line not in train and line not in " ".join(train)]
    return train, [held_out[i] for i in new], nats[new]


def all_known(rng: np.random.Generator) -> Args:
    """Held-out lines all of which are known."""
    train, held_out, nats = leaky(rng)
    known = [i for i, line in enumerate(held_out) if line in train]
    return train, [held_out[i] for i in known], nats[known]


def loss_missing(rng: np.random.Generator) -> Args:
    """One loss less than lines, or one more."""
    train, held_out, nats = leaky(rng)
    return (train, held_out, nats[:-1]) if rng.random() < 0.5 else (train, held_out[:-1], nats)


def resampling(rng: np.random.Generator) -> Args:
    """Losses of names, their lengths, and the places of 60 resampled lists."""
    n = int(rng.integers(12, 18))
    chars = rng.integers(3, 13, n)
    nats = chars * rng.uniform(1.2, 2.2, n) + rng.uniform(2, 6, n)  # short names lose more per character
    return nats, chars, rng.integers(0, n, (60, n))


def narrow_picks(rng: np.random.Generator) -> Args:
    """Rows of picks that are too short."""
    nats, chars, picks = resampling(rng)
    return nats, chars, picks[:, :-2]


def wide_picks(rng: np.random.Generator) -> Args:
    """Rows of picks that are too long."""
    nats, chars, picks = resampling(rng)
    return nats, chars, np.concatenate([picks, picks[:, :2]], axis=1)


def two_models(rng: np.random.Generator, n: int | None = None) -> Args:
    """Losses per character of two models that find the same names hard; the second is mostly better."""
    n = int(rng.integers(8, 14)) if n is None else n
    hard = rng.uniform(1.5, 4, n)
    return hard + rng.normal(0.2, 0.25, n), hard + rng.normal(0, 0.1, n)


def other_lengths(rng: np.random.Generator) -> Args:
    """Two lists of different lengths; numpy would stretch the one that has a single loss."""
    a, b = two_models(rng)
    return (a, b[:1]) if rng.random() < 0.5 else (a[:1], b)


def a_single_name(rng: np.random.Generator) -> Args:
    """One loss of each model."""
    a, b = two_models(rng)
    return a[:1], b[:1]


def candidates(rng: np.random.Generator) -> Args:
    """Losses of eight models, each of which is the best one by another rule.

    `first` is the best on choose, `second` on confirm, `both` on the two together; `worst` is the worst everywhere.
    By its smallest loss `lucky` is the best, by its first one `early`, by the median `often`, by the largest `even`.
    """
    M, n, m = 8, int(rng.integers(6, 9)), int(rng.integers(10, 13))
    first, second, both, worst, lucky, early, often, even = rng.permutation(M)
    level = np.full((2, M), 2.7)
    level[:, [first, second, both, worst]] = [[1.9, 2.9, 2.1, 3.7], [2.7, 2.0, 2.15, 3.3]]
    level[0, even] = 2.4
    choose, confirm = (
        level[i][:, None] + rng.uniform(-0.02, 0.02, (M, size)) + 0.3 * np.arange(size) / size
        for i, size in enumerate((n, m))
    )
    choose[[first, both], -1] = 3.2, 3.3
    choose[lucky, int(rng.integers(1, n))] = 0.1
    choose[early, 0] = 1.0
    choose[often, 1:-1] -= 1.2
    choose[often, [0, -1]] += 0.6 * (n - 2)
    return choose, confirm


def one_model_less(rng: np.random.Generator) -> Args:
    """Sets for different numbers of models."""
    choose, confirm = candidates(rng)
    return (choose, confirm[:-1]) if rng.random() < 0.5 else (choose[:-1], confirm)


# --- the mistakes ----------------------------------------------------------------------------------------------


def split_then_distinct(lines: list[str], u: np.ndarray, share: float) -> tuple[list[str], list[str]]:
    """Every line goes to a side, and each side is made distinct."""
    refuse_share(share)
    train = dict.fromkeys(line for line, x in zip(lines, u, strict=True) if x >= share)
    return list(train), list(dict.fromkeys(line for line, x in zip(lines, u, strict=True) if x < share))


def with_repeats(lines: list[str], u: np.ndarray, share: float) -> tuple[list[str], list[str]]:
    """Repeats stay with the first of their name."""
    train, held_out = distinct_split(lines, u, share)
    return [line for line in lines if line in train], [line for line in lines if line in held_out]


def last_decides(lines: list[str], u: np.ndarray, share: float) -> tuple[list[str], list[str]]:
    """dict(zip(lines, u)) keeps the last number of a name."""
    refuse_share(share)
    last = dict(zip(lines, u, strict=True))
    return [line for line in last if last[line] >= share], [line for line in last if last[line] < share]


def only_once(lines: list[str], u: np.ndarray, share: float) -> tuple[list[str], list[str]]:
    """Names that come twice are thrown away."""
    train, held_out = distinct_split(lines, u, share)
    return [line for line in train if lines.count(line) == 1], [line for line in held_out if lines.count(line) == 1]


def renumbered(lines: list[str], u: np.ndarray, share: float) -> tuple[list[str], list[str]]:
    """The i-th different name takes the i-th number."""
    names = list(dict.fromkeys(lines))
    return distinct_split(names, u[: len(names)], share)


def moved_only(lines: list[str], u: np.ndarray, share: float) -> tuple[list[str], list[str]]:
    """Held-out lines that stand in train are removed from held_out after the split."""
    train, held_out = split_then_distinct(lines, u, share)
    return train, [line for line in held_out if line not in train]


def mean_of_lines(train: list[str], held_out: list[str], nats: np.ndarray) -> Three:
    """The mean over lines of each line's nats per character."""
    known = known_lines(train, held_out, nats)
    each = nats / np.array([len(line) + 1 for line in held_out])
    a, b = (float(each[which].mean()) if which.any() else math.nan for which in (known, ~known))
    return float(known.mean()), a, b


def letters_only(train: list[str], held_out: list[str], nats: np.ndarray) -> Three:
    """Divided by letters, without the ends."""
    known = known_lines(train, held_out, nats)
    letters = np.array([len(line) for line in held_out])
    a, b = (float(nats[w].sum() / letters[w].sum()) if w.any() else math.nan for w in (known, ~known))
    return float(known.mean()), a, b


def per_line(train: list[str], held_out: list[str], nats: np.ndarray) -> Three:
    """Nats per line."""
    known = known_lines(train, held_out, nats)
    a, b = (float(nats[w].mean()) if w.any() else math.nan for w in (known, ~known))
    return float(known.mean()), a, b


def zero_for_nothing(train: list[str], held_out: list[str], nats: np.ndarray) -> Three:
    """0 in place of nan."""
    share, known, new = leak_effect(train, held_out, nats)
    return share, 0.0 if math.isnan(known) else known, new


def of_training_lines(train: list[str], held_out: list[str], nats: np.ndarray) -> Three:
    """The share of training lines that are held out."""
    _, known, new = leak_effect(train, held_out, nats)
    return sum(line in held_out for line in train) / len(train), known, new


def as_part(train: list[str], held_out: list[str], nats: np.ndarray) -> Three:
    """A line that is a piece of a training line passes for known."""
    known_lines(train, held_out, nats)
    known = np.array([line in " ".join(train) for line in held_out])
    return float(known.mean()), *both_losses(known, held_out, nats)


def against_all(train: list[str], held_out: list[str], nats: np.ndarray) -> Three:
    """The loss of all held-out lines in place of that of the new ones."""
    share, known, _ = leak_effect(train, held_out, nats)
    return share, known, float(nats.sum() / characters(held_out))


def interval(
    low: float = 0.025, high: float = 0.975, method: str = "quantile"
) -> Callable[[np.ndarray, np.ndarray, np.ndarray], Three]:
    """A bootstrap with other places for the two ends."""

    def version(nats: np.ndarray, chars: np.ndarray, picks: np.ndarray) -> Three:
        ends = np.quantile(losses_of_picks(nats, chars, picks), [low, high])
        return float(nats.sum() / chars.sum()), float(ends[0]), float(ends[1])

    return version


def mean_of_names(nats: np.ndarray, chars: np.ndarray, picks: np.ndarray) -> Three:
    """Each name's nats per character, averaged."""
    each = nats / chars
    low, high = np.quantile(each[picks].mean(axis=1), [0.025, 0.975])
    return float(each.mean()), float(low), float(high)


def of_single_names(nats: np.ndarray, chars: np.ndarray, picks: np.ndarray) -> Three:
    """Quantiles of the names' own losses."""
    low, high = np.quantile(nats / chars, [0.025, 0.975])
    return float(nats.sum() / chars.sum()), float(low), float(high)


def same_characters(nats: np.ndarray, chars: np.ndarray, picks: np.ndarray) -> Three:
    """The nats of the resampled names over the characters of the original ones."""
    low, high = np.quantile(nats[picks].sum(axis=1) / chars.sum(), [0.025, 0.975])
    return float(nats.sum() / chars.sum()), float(low), float(high)


def middle_of_picks(nats: np.ndarray, chars: np.ndarray, picks: np.ndarray) -> Three:
    """The mean of the resampled losses in place of the loss."""
    _, low, high = bootstrap(nats, chars, picks)
    return float(losses_of_picks(nats, chars, picks).mean()), low, high


def by_spread(nats: np.ndarray, chars: np.ndarray, picks: np.ndarray) -> Three:
    """The loss plus and minus 1.96 times the spread of the resampled ones."""
    loss, spread = float(nats.sum() / chars.sum()), float(losses_of_picks(nats, chars, picks).std())
    return loss, loss - 1.96 * spread, loss + 1.96 * spread


def other_axis(nats: np.ndarray, chars: np.ndarray, picks: np.ndarray) -> Three:
    """Sums down the columns of picks."""
    low, high = np.quantile(nats[picks].sum(axis=0) / chars[picks].sum(axis=0), [0.025, 0.975])
    return float(nats.sum() / chars.sum()), float(low), float(high)


def chosen_by(which: Callable[[np.ndarray, np.ndarray], int]) -> Callable[..., tuple[int, float, float]]:
    """A pick that chooses in another way."""

    def version(choose: np.ndarray, confirm: np.ndarray) -> tuple[int, float, float]:
        pick(choose, confirm)  # refuses what it refuses
        best = which(choose, confirm)
        return best, float(choose[best].mean()), float(confirm[best].mean())

    return version


def best_of_each(choose: np.ndarray, confirm: np.ndarray) -> tuple[int, float, float]:
    """The smallest loss of each set, whichever model's it is."""
    best, loss, _ = pick(choose, confirm)
    return best, loss, float(confirm.mean(axis=1).min())


EXERCISES = [
    Exercise(
        "bits_per_char",
        bits_per_char,
        (
            Item("spreads the nats of all tokens over characters", 0.75, tokenized),
            Item("counts characters, not bytes", 0.5, lambda rng: tokenized(rng, "aéñक中z")),
            Item("refuses losses of another number of texts", 0.125, one_text_less, times=6),
            Item("refuses an empty list of texts", 0.125, lambda rng: ([], []), times=1),
        ),
        (
            Wrong(
                "this is a mean per token, and tokens of different tokenizers have different lengths; divide the sum "
                "of all nats by the characters",
                lambda nats, texts: everything(nats) / LN2 / sum(map(len, nats)),
            ),
            Wrong(
                "the letters alone are counted; the end of each text was predicted too and counts as one character",
                lambda nats, texts: everything(nats) / LN2 / sum(map(len, texts)),
            ),
            Wrong(
                "one end was counted for all texts together; each text has its own",
                lambda nats, texts: everything(nats) / LN2 / (1 + sum(map(len, texts))),
            ),
            Wrong(
                "this is in nats; divide by ln 2, since a bit is 0.693 nats",
                lambda nats, texts: everything(nats) / characters(texts),
            ),
            Wrong(
                "nats were multiplied by ln 2; a bit is less than a nat, so there are more of them: divide",
                lambda nats, texts: everything(nats) * LN2 / characters(texts),
            ),
            Wrong(
                "a mean was taken of each text and then the mean of these, so a short text counts as much as a long "
                "one; divide the sum of all by the characters of all",
                lambda nats, texts: float(
                    np.mean([np.sum(n) / LN2 / (len(t) + 1) for n, t in zip(nats, texts, strict=True)])
                ),
            ),
            Wrong(
                "the means of the tokens were added up; add the nats of all tokens first and divide once",
                lambda nats, texts: (
                    everything(nats) and sum(float(np.mean(n)) for n in nats) / LN2 / characters(texts)
                ),
            ),
            Wrong(
                "bytes were counted; é has two of them and is one character, so take len of the string",
                lambda nats, texts: everything(nats) / LN2 / sum(len(t.encode()) + 1 for t in texts),
            ),
            Wrong(
                "this is a perplexity, a number of choices; leave the power out",
                lambda nats, texts: 2 ** bits_per_char(nats, texts),
            ),
        ),
    ),
    Exercise(
        "distinct_split",
        distinct_split,
        (
            Item("splits lines that differ", 0.25, lambda rng: lines_with_repeats(rng, repeats=False)),
            Item("puts a repeated name on one side, once", 0.75, lines_with_repeats),
            Item("refuses a share in percent", 0.125, bad_share, times=6),
            Item("refuses a share of 0 or 1", 0.125, all_or_none, times=8),
        ),
        (
            Wrong(
                "lines were split first and repeats removed on each side, so a name can stand on both and the exam "
                "leaks; remove repeats first, then split",
                split_then_distinct,
            ),
            Wrong(
                "repeats were kept on their name's side; nothing leaks, but a repeated name counts twice: keep the "
                "first",
                with_repeats,
            ),
            Wrong(
                "names that come twice were thrown away altogether; keep the first of them",
                only_once,
            ),
            Wrong(
                "the last line of a name decides, as in dict(zip(lines, u)); the number of its first line does",
                last_decides,
            ),
            Wrong(
                "the i-th different name took the i-th number, so after a repeat each name has somebody else's; a "
                "name takes the number of its own first line",
                renumbered,
            ),
            Wrong(
                "what stood on both sides was taken out of held_out afterwards, so repeated names always train and "
                "the exam has rarer names than the file; remove repeats before the split",
                moved_only,
            ),
            Wrong(
                "the sides are exchanged; a number below share means held out, which is the second list",
                lambda lines, u, share: distinct_split(lines, u, share)[::-1],
            ),
            Wrong(
                "the names are sorted; keep the order of their first lines (dict.fromkeys does, a set does not)",
                lambda lines, u, share: tuple(sorted(part) for part in distinct_split(lines, u, share)),
            ),
        ),
    ),
    Exercise(
        "leak_effect",
        leak_effect,
        (
            Item("separates known lines from new ones", 1.0, leaky),
            Item("has nan for the known lines where none is", 0.25, without_leak),
            Item("has nan for the new lines where none is", 0.25, all_known),
            Item("refuses losses of another number of lines", 0.25, loss_missing, times=6),
        ),
        (
            Wrong(
                "known and new are exchanged; a line is known when it stands in train",
                lambda train, held, nats: tuple(leak_effect(train, held, nats)[i] for i in (0, 2, 1)),
            ),
            Wrong(
                "the nats are divided by the number of lines; a long line has more to predict, so divide by the "
                "characters, ends included",
                per_line,
            ),
            Wrong(
                "the nats are divided by the letters alone; the end of each line counts as one character too",
                letters_only,
            ),
            Wrong(
                "each line's own mean was averaged, so a short line counts as much as a long one; divide the sum of "
                "the nats by the sum of the characters",
                mean_of_lines,
            ),
            Wrong(
                "the share is that of the training lines; the question is how much of the exam was known, so divide "
                "by the held-out lines",
                of_training_lines,
            ),
            Wrong(
                "a line also counts as known when it is a piece of a training line, as ann is of hannah; compare "
                "whole lines",
                as_part,
            ),
            Wrong(
                "the third number is the loss of all held-out lines, known ones too; leave these out",
                against_all,
            ),
            Wrong(
                "where no line is known the loss is given as 0, which would be a perfect score; nothing was "
                "measured there, so give np.nan",
                zero_for_nothing,
            ),
        ),
    ),
    Exercise(
        "bootstrap",
        bootstrap,
        (
            Item("finds the loss and both ends of its interval", 1.5, resampling),
            Item("refuses rows of picks that are too short", 0.125, narrow_picks),
            Item("refuses rows of picks that are too long", 0.125, wide_picks),
        ),
        (
            Wrong(
                "each name's own loss was averaged, so a short name counts as much as a long one; in every list "
                "divide the sum of the nats by the sum of the characters",
                mean_of_names,
            ),
            Wrong(
                "the ends are quantiles of the single names, which says how names differ; take the loss of each "
                "resampled list, and the quantiles of those",
                of_single_names,
            ),
            Wrong(
                "the nats of the picked names are divided by the characters of the original ones; a list of longer "
                "names has more characters, so pick both",
                same_characters,
            ),
            Wrong(
                "the first number is the mean of the resampled losses; give the loss of the names as they are",
                middle_of_picks,
            ),
            Wrong(
                "the ends are at 5 and 95 %, and only 90 % lie between them; 95 % leave 2.5 % on either side",
                interval(0.05, 0.95),
            ),
            Wrong(
                "np.percentile counts to 100, so 0.025 is almost the smallest value; take 2.5 and 97.5 there",
                interval(0.00025, 0.00975),
            ),
            Wrong(
                "the ends are the smallest and the largest loss, which drift apart the more lists there are; take "
                "the quantiles 0.025 and 0.975",
                interval(0, 1),
            ),
            Wrong(
                "the ends are 1.96 spreads away from the loss, which holds for a bell curve only; take the quantiles "
                "of the resampled losses themselves",
                by_spread,
            ),
            Wrong(
                "picks was summed down its columns; a row of picks is one list of names, so sum over axis 1",
                other_axis,
            ),
            Wrong(
                "the two ends are exchanged; the lower one comes first",
                interval(0.975, 0.025),
            ),
        ),
    ),
    Exercise(
        "compare",
        compare,
        (
            Item("gives the difference and both standard errors", 1.25, two_models),
            Item("takes two names, which are the fewest", 0.25, lambda rng: two_models(rng, 2)),
            Item("refuses lists of different lengths", 0.125, other_lengths, times=8),
            Item("refuses a single name, which has no spread", 0.125, a_single_name),
        ),
        (
            Wrong(
                "the difference is b - a; take a - b, which is above 0 where b is better",
                lambda a, b: compare(b, a),
            ),
            Wrong(
                "the two standard errors are exchanged; that of the differences comes first",
                lambda a, b: tuple(compare(a, b)[i] for i in (0, 2, 1)),
            ),
            Wrong(
                "the spreads were divided by n - 1 nowhere: np.std divides by n unless you say ddof=1",
                lambda a, b: (
                    compare(a, b)[0],
                    error_of(a - b, 0),
                    math.hypot(error_of(a, 0), error_of(b, 0)),
                ),
            ),
            Wrong(
                "these are standard deviations, the spread of single names; the mean of n of them is surer by "
                "sqrt(n), so divide",
                lambda a, b: (
                    compare(a, b)[0],
                    compare(a, b)[1] * math.sqrt(len(a)),
                    compare(a, b)[2] * math.sqrt(len(a)),
                ),
            ),
            Wrong(
                "the spreads were divided by n; the spread of a mean shrinks with sqrt(n)",
                lambda a, b: (
                    compare(a, b)[0],
                    compare(a, b)[1] / math.sqrt(len(a)),
                    compare(a, b)[2] / math.sqrt(len(a)),
                ),
            ),
            Wrong(
                "these are variances; a standard error is the root of one",
                lambda a, b: (compare(a, b)[0], compare(a, b)[1] ** 2, compare(a, b)[2] ** 2),
            ),
            Wrong(
                "the two standard errors were added for the last number; of independent lists the squares add, so "
                "take the root of their sum",
                lambda a, b: (*compare(a, b)[:2], error_of(a) + error_of(b)),
            ),
            Wrong(
                "the paired error is the difference of the two errors; first subtract name by name, then take the "
                "error of those differences",
                lambda a, b: (compare(a, b)[0], abs(error_of(a) - error_of(b)), compare(a, b)[2]),
            ),
            Wrong(
                "the differences lost their sign, so names where a is better count against it too; leave abs out",
                lambda a, b: (float(np.abs(a - b).mean()), error_of(np.abs(a - b)), compare(a, b)[2]),
            ),
            Wrong(
                "the errors are multiplied by 1.96; that is half an interval, and the standard error itself is asked",
                lambda a, b: (compare(a, b)[0], 1.96 * compare(a, b)[1], 1.96 * compare(a, b)[2]),
            ),
        ),
    ),
    Exercise(
        "pick",
        pick,
        (
            Item("chooses on one set and confirms on the other", 0.75, candidates),
            Item("refuses sets of different models", 0.25, one_model_less, times=6),
        ),
        (
            Wrong(
                "the model was chosen by the set that should confirm it, so nothing is left that it was not chosen "
                "by; choose by the first set alone",
                chosen_by(lambda choose, confirm: int(np.argmin(confirm.mean(axis=1)))),
            ),
            Wrong(
                "the model was chosen by both sets together; then the second confirms nothing any more: choose by "
                "the first alone",
                chosen_by(lambda choose, confirm: int(np.argmin(choose.mean(axis=1) + confirm.mean(axis=1)))),
            ),
            Wrong(
                "the last number is the smallest loss of the second set, of whichever model; give that of the model "
                "that was chosen",
                best_of_each,
            ),
            Wrong(
                "the model with the smallest single loss was chosen, and one loss can be luck; take the mean of each "
                "row first",
                chosen_by(lambda choose, confirm: int(np.argmin(choose.min(axis=1)))),
            ),
            Wrong(
                "the model was chosen by the first prediction alone; take the mean of each row",
                chosen_by(lambda choose, confirm: int(np.argmin(choose[:, 0]))),
            ),
            Wrong(
                "the model was chosen by its median, which does not see how bad the bad predictions are; take the "
                "mean of each row",
                chosen_by(lambda choose, confirm: int(np.argmin(np.median(choose, axis=1)))),
            ),
            Wrong(
                "the model was chosen by its largest loss, which is one prediction of many; take the mean of each "
                "row",
                chosen_by(lambda choose, confirm: int(np.argmin(choose.max(axis=1)))),
            ),
            Wrong(
                "the model with the largest loss was chosen; a lower loss is better",
                chosen_by(lambda choose, confirm: int(np.argmax(choose.mean(axis=1)))),
            ),
            Wrong(
                "the two losses are exchanged; that of the set which chose comes first",
                lambda choose, confirm: tuple(pick(choose, confirm)[i] for i in (0, 2, 1)),
            ),
            Wrong(
                "models are counted from 1; the index of the first row is 0",
                lambda choose, confirm: (pick(choose, confirm)[0] + 1, *pick(choose, confirm)[1:]),
            ),
        ),
    ),
]


# --- the numbers of the README and of the boxes -----------------------------------------------------------------


def totals(train: Sequence[str], names: Sequence[str], n: int, k: float) -> np.ndarray:
    """(len(names),) what an n-gram that was counted in `train` loses on each name, in nats."""
    seen, after = Counter[str](), Counter[str]()
    for name in train:
        symbols = "." * (n - 1) + name + "."
        for i in range(n - 1, len(symbols)):
            seen[symbols[i - n + 1 : i + 1]] += 1
            after[symbols[i - n + 1 : i]] += 1
    lost = []
    for name in names:
        symbols = "." * (n - 1) + name + "."
        cells = [symbols[i - n + 1 : i + 1] for i in range(n - 1, len(symbols))]
        lost.append(sum(-math.log((seen[cell] + k) / (after[cell[:-1]] + SYMBOLS * k)) for cell in cells))
    return np.array(lost)


def lengths(names: Sequence[str]) -> np.ndarray:
    """Characters of each name, its end included."""
    return np.array([len(name) + 1 for name in names])


@cache
def on_validation(n: int, k: float) -> np.ndarray:
    """What an n-gram loses on each validation name."""
    corpus = load_corpus("names")
    return totals(corpus.part("train"), corpus.part("validation"), n, k)


@cache
def validation_lengths() -> np.ndarray:
    """Characters of each validation name."""
    return lengths(load_corpus("names").part("validation"))


@cache
def ends(n: int) -> Three:
    """The loss of an n-gram with k = 0.1 and its interval from 1,000 resampled lists, as the last cell finds it."""
    number = len(validation_lengths())
    picks = np.random.default_rng(1).integers(0, number, (1000, number))
    return bootstrap(on_validation(n, 0.1), validation_lengths(), picks)


@cache
def duel(k: float, other: float) -> Three:
    """Two 4-grams with different k, name by name, on 500 names drawn at random."""
    some = np.random.default_rng(1).permutation(len(validation_lengths()))[:500]
    a, b = (on_validation(4, value)[some] / validation_lengths()[some] for value in (k, other))
    return compare(a, b)


def duel_on_the_ruler(k: float, other: float) -> float:
    """The same two on the same 500 names, where every character counts the same."""
    some = np.random.default_rng(1).permutation(len(validation_lengths()))[:500]
    nats = on_validation(4, k)[some] - on_validation(4, other)[some]
    return float(nats.sum() / validation_lengths()[some].sum())


@cache
def careless() -> tuple[Three, Three]:
    """What a 5-gram loses on a tenth of the shuffled lines: counted in the other lines, and in those without it."""
    lines = [line.strip().lower() for line in raw_lines("names")]
    shuffled = [lines[i] for i in np.random.default_rng(1).permutation(len(lines))]
    cut = len(lines) * 9 // 10
    train, held_out = shuffled[:cut], shuffled[cut:]
    exam = set(held_out)
    robbed = [line for line in train if line not in exam]
    found = [leak_effect(train, held_out, totals(part, held_out, 5, 0.1)) for part in (train, robbed)]
    return found[0], found[1]


@cache
def curse() -> tuple[float, float, int]:
    """Forty bigrams, each counted in 2,000 random names, and the pick by 40 names.

    By how much it beats the mean of all there, by how much on the other names, and its place there.
    """
    corpus = load_corpus("names")
    train, names = corpus.part("train"), corpus.part("validation")
    rng = np.random.default_rng(1)
    order = rng.permutation(len(names))
    lost = []
    for _ in range(40):
        some = [train[i] for i in rng.permutation(len(train))[:2000]]
        lost.append(totals(some, names, 2, 0.1) / lengths(names))
    losses = np.array(lost)[:, order]
    choose, confirm = losses[:, :40], losses[:, 40:]
    _, seen, fresh = pick(choose, confirm)
    place = 1 + int((confirm.mean(axis=1) < fresh).sum())
    return float(choose.mean()) - seen, float(confirm.mean()) - fresh, place


@cache
def by_pieces(merges: int) -> tuple[float, float, float]:
    """A bigram of pieces: nats per token, perplexity per token, bits per character, on the validation names."""
    from lmlab.tokenizers.bpe import BPETrainer

    corpus = load_corpus("names")
    train, names = corpus.part("train"), corpus.part("validation")
    tokenizer = BPETrainer(train).train(merges).tokenizer()
    seen, after = Counter[tuple[int, int]](), Counter[int]()
    for name in train:
        ids = tokenizer.encode(name)
        for a, b in zip([-1, *ids], [*ids, -1], strict=True):
            seen[a, b] += 1
            after[a] += 1
    size = SYMBOLS + merges
    lost = []
    for name in names:
        ids = tokenizer.encode(name)
        pairs = zip([-1, *ids], [*ids, -1], strict=True)
        lost.append(np.array([-math.log((seen[a, b] + 0.1) / (after[a] + 0.1 * size)) for a, b in pairs]))
    mean = float(np.concatenate(lost).mean())
    return mean, math.exp(mean), bits_per_char(lost, names)


@cache
def elsewhere() -> tuple[float, float, int, int]:
    """The loss of the bigram, and of one of their own, on Indian names that are no US names; how many are both."""
    home, away = load_corpus("names"), load_corpus("names_indian")
    known = set(home.texts)
    new = [name for name in away.part("validation") + away.part("test") if name not in known]
    number = lengths(new).sum()
    losses = [totals(corpus.part("train"), new, 2, 0.1).sum() / number for corpus in (home, away)]
    return losses[0], losses[1], sum(name in known for name in away.texts), len(away.texts)


def bits(nats: float) -> float:
    """Nats as bits."""
    return nats / LN2


ANSWERS: dict[str, Callable[[], float]] = {
    "half_width": lambda: (ends(2)[2] - ends(2)[1]) / 2,
    "indian_loss": lambda: elsewhere()[0],
}

NUMBERS: dict[str, Callable[[], str]] = {
    "char_perplexity": lambda: f"{math.exp(ends(2)[0]):.1f}",
    "char_bits": lambda: f"{bits(ends(2)[0]):.2f}",
    "char_nats": lambda: f"{ends(2)[0]:.2f}",
    "piece_perplexity": lambda: f"{by_pieces(200)[1]:.1f}",
    "piece_nats": lambda: f"{by_pieces(200)[0]:.2f}",
    "piece_bits": lambda: f"{by_pieces(200)[2]:.2f}",
    "lines": lambda: f"{len(raw_lines('names')):,}",
    "repeats": lambda: f"{len(raw_lines('names')) - len({line.strip().lower() for line in raw_lines('names')}):,}",
    "leak_share": lambda: f"{100 * careless()[0][0]:.1f}",
    "leak_known": lambda: f"{careless()[0][1]:.2f}",
    "leak_new": lambda: f"{careless()[0][2]:.2f}",
    "robbed_known": lambda: f"{careless()[1][1]:.2f}",
    "names": lambda: f"{len(validation_lengths()):,}",
    "bigram": lambda: f"{ends(2)[0]:.3f}",
    "bigram_low": lambda: f"{ends(2)[1]:.3f}",
    "bigram_high": lambda: f"{ends(2)[2]:.3f}",
    "trigram": lambda: f"{ends(3)[0]:.3f}",
    "trigram_low": lambda: f"{ends(3)[1]:.3f}",
    "trigram_high": lambda: f"{ends(3)[2]:.3f}",
    "duel": lambda: f"{duel(0.3, 0.1)[0]:.4f}",
    "duel_paired": lambda: f"{duel(0.3, 0.1)[1]:.4f}",
    "duel_apart": lambda: f"{duel(0.3, 0.1)[2]:.4f}",
    "duel_ruler": lambda: f"{duel_on_the_ruler(0.3, 0.1):.4f}",
    "curse_seen": lambda: f"{curse()[0]:.3f}",
    "curse_fresh": lambda: f"{curse()[1]:.3f}",
    "curse_place": lambda: str(curse()[2]),
    "shift": lambda: f"{elsewhere()[0]:.2f}",
    "shift_own": lambda: f"{elsewhere()[1]:.2f}",
    "shift_both": lambda: f"{elsewhere()[2]:,}",
    "shift_all": lambda: f"{elsewhere()[3]:,}",
}


def picture() -> str:
    """The picture of the README as SVG: one difference with its interval, from two lists and name by name."""
    difference, paired, apart = duel(0.3, 0.1)
    left, right, zero, scale = 40, 540, 220, 2600

    def at(x: float) -> float:
        return zero + scale * x

    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 560 260" font-family="system-ui, sans-serif" '
        'font-size="15" role="img" aria-label="The interval of a difference between two models, compared as two '
        'lists and name by name">',
        '<rect width="560" height="260" fill="#ffffff"/>',
    ]
    for tick in (-0.06, -0.04, -0.02, 0, 0.02, 0.04, 0.06, 0.08, 0.1):
        parts.append(f'<line x1="{at(tick):.0f}" x2="{at(tick):.0f}" y1="30" y2="195" stroke="#dddddd"/>')
        parts.append(f'<text x="{at(tick):.0f}" y="216" text-anchor="middle" fill="#333333">{tick:g}</text>')
    parts.append(f'<line x1="{zero}" x2="{zero}" y1="22" y2="200" stroke="#333333" stroke-width="2"/>')
    rows = ((60, "#d55e00", "as two lists", apart), (140, "#0072b2", "name by name", paired))
    for y, colour, said, error in rows:
        a, b = at(difference - 1.96 * error), at(difference + 1.96 * error)
        shown = f"{said}: {difference:.3f} ± {1.96 * error:.3f}"
        parts.append(f'<text x="{left}" y="{y - 16}" fill="{colour}">{shown}</text>')
        parts.append(f'<line x1="{a:.1f}" x2="{b:.1f}" y1="{y}" y2="{y}" stroke="{colour}" stroke-width="5"/>')
        for end in (a, b):
            parts.append(
                f'<line x1="{end:.1f}" x2="{end:.1f}" y1="{y - 9}" y2="{y + 9}" stroke="{colour}" stroke-width="3"/>'
            )
        parts.append(f'<circle cx="{at(difference):.1f}" cy="{y}" r="7" fill="{colour}"/>')
    parts.append(
        f'<text x="{(left + right) // 2}" y="244" text-anchor="middle" fill="#333333">'
        "loss of k = 0.3 minus loss of k = 0.1, nats per character</text>"
    )
    return "\n".join([*parts, "</svg>"]) + "\n"
