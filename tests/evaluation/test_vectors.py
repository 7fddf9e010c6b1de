import numpy as np
import pytest

from lmlab.evaluation.vectors import WordVectors, glove

WORK = [
    ("king", "man", "woman", "queen"),
    ("paris", "france", "italy", "rome"),
    ("tokyo", "japan", "india", "delhi"),
    ("berlin", "germany", "france", "paris"),
    ("walking", "walk", "swim", "swimming"),
    ("better", "good", "bad", "worse"),
    ("actor", "man", "woman", "actress"),
    ("prince", "man", "woman", "princess"),
    ("dogs", "dog", "cat", "cats"),
    ("larger", "large", "small", "smaller"),
    ("swam", "swim", "walk", "walked"),
    ("nephew", "man", "woman", "niece"),
]
FAIL = [
    ("uncle", "man", "woman", "aunt", "daughter"),
    ("brother", "man", "woman", "sister", "daughter"),
    ("bigger", "big", "small", "smaller", "larger"),
    ("went", "go", "see", "saw", "came"),
]


@pytest.mark.parametrize(("a", "b", "c", "answer"), WORK)
def test_analogies_that_work(a, b, c, answer):
    assert glove().analogy(a, b, c, n=1)[0][0] == answer


@pytest.mark.parametrize(("a", "b", "c", "hoped", "answer"), FAIL)
def test_analogies_that_do_not_work_are_not_hidden(a, b, c, hoped, answer):
    assert glove().analogy(a, b, c, n=1)[0][0] == answer != hoped


def test_with_the_inputs_counted_in_king_is_nearest_to_king_minus_man_plus_woman():
    nearest = glove().analogy("king", "man", "woman", n=2, inputs=True)
    assert [word for word, _ in nearest] == ["king", "queen"]
    assert nearest[0][1] == pytest.approx(0.886, abs=0.001)
    assert nearest[1][1] == pytest.approx(0.853, abs=0.001)


def test_counted_in_an_input_is_the_answer_half_the_time():
    answers = [(glove().analogy(a, b, c, n=1, inputs=True)[0][0], {a, b, c}) for a, b, c, _ in WORK]
    assert sum(word in inputs for word, inputs in answers) == len(WORK) / 2


def test_neighbours_are_near_and_without_the_word_itself():
    found = glove().neighbours("three", 4)
    assert [word for word, _ in found] == ["four", "five", "two", "six"]
    cosines = [cosine for _, cosine in found]
    assert cosines == sorted(cosines, reverse=True)
    assert cosines[0] == pytest.approx(glove().similarity("three", "four"), abs=1e-6)
    assert found == glove().neighbours(" Three ", 4)


def test_cosines_are_those_of_the_plain_formula():
    vectors = glove()
    one, other = (vectors.vectors[vectors.words.index(word)].astype(float) for word in ("cat", "dog"))
    by_hand = one @ other / np.sqrt((one @ one) * (other @ other))
    assert vectors.similarity("cat", "dog") == pytest.approx(by_hand, abs=1e-6)


@pytest.mark.parametrize(
    ("low", "high", "rising"),
    [
        ("small", "large", ["mouse", "elephant"]),
        ("man", "woman", ["king", "uncle", "queen", "aunt"]),
        ("bad", "good", ["terrible", "awful", "great", "excellent"]),
        ("cold", "hot", ["winter", "summer"]),
    ],
)
def test_an_axis_puts_words_in_order(low, high, rising):
    axis = glove().axis(low, high)
    assert np.linalg.norm(axis) == pytest.approx(1, abs=1e-5)
    assert (np.diff(glove().along(axis, rising)) > 0).all()


def test_an_axis_is_not_always_what_it_is_called():
    """Ice lies on the hot side and fire on the cold one: other meanings of the words (ice cream, gun fire) win."""
    ice, fire = glove().along(glove().axis("cold", "hot"), ["ice", "fire"])
    assert ice > 0.1 > -0.1 > fire


def test_the_ends_of_an_axis_lie_equally_far_from_zero():
    low, high = glove().along(glove().axis("cold", "hot"), ["cold", "hot"])
    assert low == pytest.approx(-high, abs=1e-6)
    assert high > 0.2


def test_two_axes_at_once_equal_one_after_the_other():
    vectors, words = glove(), ["king", "queen", "prince", "girl"]
    axes = np.stack([vectors.axis("man", "woman"), vectors.axis("young", "old")])
    both = vectors.along(axes, words)
    assert both.shape == (4, 2)
    for column, axis in zip(both.T, axes, strict=True):
        np.testing.assert_allclose(column, vectors.along(axis, words), atol=1e-6)


def test_no_words_lie_nowhere():
    assert glove().along(glove().axis("cold", "hot"), []).shape == (0,)


def test_a_byte_for_a_number_turns_no_vector_by_more_than_two_degrees():
    """Rounding moves a number by at most half a step, which is 1/254 of the largest one of its row."""
    vectors = glove()
    assert vectors.vectors.shape == (20_009, 50)
    half_steps = np.abs(vectors.vectors).max(axis=1) / 254
    worst = np.sqrt(50) * half_steps / np.linalg.norm(vectors.vectors, axis=1)
    assert np.degrees(np.arcsin(worst.max())) < 2


def test_an_unknown_word_is_answered_with_the_nearest(refused):
    with refused("'stawberry' is not among the 20,009 bundled words. Did you mean 'strawberry'"):
        glove().neighbours("stawberry")
    with refused("'qqqqqq' is not among .* Try a more common one"):
        glove().analogy("king", "qqqqqq", "woman")
    with refused("is not among"):
        glove().unit("")
    with refused("is not among"):
        glove().unit("two\nlines")


def test_what_leads_nowhere_is_refused(refused):
    with refused("no direction"):
        glove().axis("hot", "Hot")
    with refused("Ask for 1 or more"):
        glove().neighbours("king", 0)
    tiny = WordVectors(["a", "b", "c"], np.array([[1, 0], [1, 0], [0, 1]], dtype=np.float32))
    assert tiny.analogy("a", "b", "c", n=9) == []
    assert [word for word, _ in tiny.neighbours("a", 9)] == ["b", "c"]
    opposite = WordVectors(["a", "b"], np.array([[1, 0], [2, 0]], dtype=np.float32))
    with refused("leads nowhere"):
        WordVectors(["a", "b", "c"], np.array([[1, 0], [0.5, 0.8660254], [-0.5, 0.8660254]], np.float32)).analogy(
            "a", "b", "c"
        )
    assert opposite.similarity("a", "b") == pytest.approx(1)


def test_the_file_is_read_once():
    assert glove() is glove()
