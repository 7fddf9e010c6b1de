"""The distances are exact, the search misses nothing, and the shares tell a parrot from an inventor."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lmlab.data.corpus import text_corpus
from lmlab.evaluation.memorisation import Shelves, edit_distances, memorised, nearest

words = st.text(alphabet="abé😀", max_size=7)


def by_the_book(a, b):
    """Wagner and Fischer's table, a cell at a time."""
    table = np.zeros((len(a) + 1, len(b) + 1), dtype=int)
    table[:, 0], table[0] = range(len(a) + 1), range(len(b) + 1)
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            table[i, j] = min(
                table[i - 1, j] + 1,
                table[i, j - 1] + 1,
                table[i - 1, j - 1] + (a[i - 1] != b[j - 1]),
            )
    return table[-1, -1]


@given(words, st.lists(words, max_size=8))
def test_distances_are_those_of_the_book(text, names):
    assert edit_distances(text, names).tolist() == [by_the_book(text, name) for name in names]


@pytest.mark.parametrize(
    ("a", "b", "distance"), [("kitten", "sitting", 3), ("saturday", "sunday", 3), ("", "abc", 3), ("abc", "", 3)]
)
def test_known_pairs(a, b, distance):
    assert edit_distances(a, [b]).tolist() == [distance]


@given(words, words, words)
def test_a_distance_is_a_metric(a, b, c):
    (ab, ac), (ba, bc) = edit_distances(a, [b, c]), edit_distances(b, [a, c])
    assert ab == ba
    assert (ab == 0) == (a == b)
    assert ac <= ab + bc
    assert ab >= abs(len(a) - len(b))


def test_long_texts_do_not_overflow():
    assert edit_distances("a" * 300, ["b" * 200, "a" * 100]).tolist() == [300, 200]


@given(words, st.lists(words, min_size=1, max_size=30), st.integers(1, 5))
def test_the_search_by_length_finds_what_looking_at_all_finds(text, names, n):
    by_all = sorted((by_the_book(text, name), abs(len(text) - len(name)), place) for place, name in enumerate(names))
    assert Shelves(names).nearest(text, n) == [(names[place], distance) for distance, _, place in by_all[:n]]


def test_the_nearest_of_the_bundled_names_is_the_nearest(names):
    for text in ("oliviana", "xqzzt", "e", "christopherjohnson"):
        ((_, distance),) = nearest(text, names)
        assert distance == edit_distances(text, names.part("train")).min()


def test_only_training_names_are_near(names):
    for held_out in names.part("validation")[:20]:
        assert nearest(held_out, names)[0][1] >= 1
    learned = names.part("train")[:100]
    assert nearest(names.part("train")[5_000], names)[0][1] == 0
    assert nearest(names.part("train")[5_000], names, train_size=100)[0][0] in learned


def test_a_parrot_is_found_out(names):
    told = memorised(names.part("train")[:200], names)
    assert told.shares == {"training": 1.0, "held out": 0.0, "new": 0.0}
    assert (told.distance, told.distance_new, told.near_copies) == (0.0, None, 0)


def test_real_names_that_it_never_saw_are_held_out_and_one_edit_from_training_on_average(names):
    told = memorised(names.part("validation"), names)
    assert told.shares == {"training": 0.0, "held out": 1.0, "new": 0.0}
    assert told.distance == pytest.approx(1.143, abs=0.001)


def test_noise_is_new_and_far(names):
    dice = np.random.default_rng(0)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    noise = ["".join(dice.choice(letters, dice.integers(5, 9))) for _ in range(100)]
    told = memorised(noise, names)
    assert told.shares["new"] == 1.0
    assert told.distance == told.distance_new > 2.5


def test_counts_and_distances_by_hand(names):
    seen, unseen = names.part("train")[0], names.part("validation")[0]
    beside = seen + "qqqq"
    told = memorised([seen, seen.upper(), unseen, beside, beside], names)
    assert (told.samples, told.distinct) == (5, 3)
    assert (told.training, told.held_out, told.new) == (2, 1, 2)
    far = nearest(beside, names)[0][1]
    assert told.distance_new == far
    assert told.distance == (nearest(unseen, names)[0][1] + 2 * far) / 5
    assert told.near_copies == 0
    json.dumps(told.to_json(), allow_nan=False)


def test_one_edit_from_a_training_name_is_a_near_copy(names):
    text = "emmaq"
    assert nearest(text, names)[0][1] == 1
    assert memorised([text, text], names).near_copies == 2


def test_names_that_were_left_out_of_training_are_not_remembered(names):
    late = names.part("train")[1000:1010]
    assert memorised(late, names).training == 10
    assert memorised(late, names, train_size=1000).held_out == 10
    assert memorised(late, names, train_size=1000).distance > 0


def test_nothing_and_one_long_text_are_refused(names, refused):
    with refused("0 samples"):
        memorised([], names)
    with refused("one long text"):
        nearest("thou", text_corpus("to be or not to be, that is the question"))
    with refused("neighbours is 0"):
        nearest("emma", names, 0)
