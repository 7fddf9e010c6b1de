"""Rounds of the guessing game against a page that cheats. No browser is needed here."""

import json
import math

import pytest

from lmlab.ui.guessing.board import told_steps, value_of
from lmlab.ui.guessing.played import entry_of, name_of, names_of
from lmlab.ui.guessing.rounds import MOST_OF_A_VISITOR, Hidden, Round, Rounds
from lmlab.ui.work import Entry, Work

LETTERS = list("abcdefghijklmnopqrstuvwxyz")
OWNER, SHA = "0" * 32, "a" * 64
EVEN = [20 / 27] * 27


def hidden(name: str) -> Hidden:
    """A name with models that expect every key alike, but for the second one, which is sure of an "a"."""
    even = [1 / 27] * 27
    sure = [0.74] + [0.01] * 26
    answers = (*(LETTERS.index(letter) for letter in name), 26)
    return Hidden(answers, tuple([row] * len(answers) for row in (even, sure, even)))


def new_round(name: str = "emma", mode: str = "bets", owner: str = OWNER) -> Round:
    return Round(owner, SHA, mode, LETTERS, ["unigram", "bigram", "4-gram"], hidden(name))


def chips(**on: int) -> list[int]:
    return [on.get(letter, 0) for letter in LETTERS] + [on.get("end", 0)]


def test_a_name_is_played_to_its_end():
    round = new_round("em")
    assert round.bet(0, chips(e=7, a=13)).nats == pytest.approx(-math.log(7.1 / 22.7))
    assert round.known == "e"
    round.skip(1)
    assert round.played[1].nats == pytest.approx(math.log(27))  # a skipped bet is an even one
    round.bet(2, chips(end=20))
    assert round.over
    assert name_of(round).letters == "em"
    assert entry_of(round).asked == ".em."


def test_guesses_until_right():
    round = new_round("em", "letters")
    assert not round.guess(0, 0)
    assert round.guess(0, 4)
    assert round.played[0].order == (0, 4)
    assert round.wrong == []
    assert round.tries(0) == [5, 5, 5]


@pytest.mark.parametrize(
    ("tried", "said"),
    [("e", "Here you knew more"), ("abcde", "was as quick as you."), ("bcdfge", "was quicker than you here.")],
)
def test_who_was_quicker_is_said_as_it_was(tried, said):
    """The table of pairs finds the e with its fifth try: it is as quick as five tries and no others."""
    round = new_round("em", "letters")
    for letter in tried:
        round.guess(0, LETTERS.index(letter))
    assert said in told_steps(round)[2]


@pytest.mark.parametrize("mode", ["bets", "letters"])
@pytest.mark.parametrize("played", [0, 1])
def test_the_page_is_told_nothing_of_what_is_hidden(mode, played):
    """For two names that differ in every letter to come, and in length, the page gets the very same value."""
    values = []
    for name in ("emma", "e" + "z" * 50):
        round = new_round(name, mode)
        for _ in range(played):
            round.guess(0, 4) if mode == "letters" else round.bet(0, chips(e=20))
        if mode == "letters":
            round.guess(played, 2)
        value = value_of(round, just=False)
        assert len(value.pop("token")) == 32
        del value["seq"]
        values.append(json.dumps(value))
    assert values[0] == values[1]
    assert "answers" not in values[0]


def test_nothing_of_the_name_stands_in_what_is_logged():
    assert "emma" not in repr(new_round())
    assert "12" not in repr(new_round().hidden.p) or "p=" not in repr(new_round())


@pytest.mark.parametrize(
    ("position", "bet", "sentence"),
    [
        (1, chips(e=20), "locked before"),
        (-1, chips(e=20), "locked before"),
        (None, chips(e=20), "locked before"),
        (False, chips(e=20), "locked before"),
        ("0", chips(e=20), "locked before"),
        (0, chips(e=19), "has 19 chips"),
        (0, chips(e=21), "has 21 chips"),
        (0, chips(e=10**30), "place exactly 20"),
        (0, chips(e=21, a=-1), "none is below zero"),
        (0, [*chips(e=19)[:-1], 1.0], "whole numbers"),
        (0, [*chips(e=19)[:-1], True], "whole numbers"),
        (0, [*chips(e=19)[:-1], "1"], "whole numbers"),
        (0, [*chips(e=19)[:-1], None], "whole numbers"),
        (0, EVEN, "whole numbers"),
        (0, chips(e=20)[:-1], "no such key"),
        (0, [*chips(e=20), 0], "no such key"),
        (0, {"e": 20}, "no such key"),
        (0, None, "no such key"),
    ],
)
def test_bets_that_are_refused_change_nothing(position, bet, sentence, refused):
    round = new_round()
    with refused(sentence):
        round.bet(position, bet)
    assert round.played == []


@pytest.mark.parametrize("key", [-1, 27, 4.0, True, None, "e", [4]])
def test_keys_that_are_refused_change_nothing(key, refused):
    round = new_round(mode="letters")
    with refused("no such key"):
        round.guess(0, key)
    assert round.played == round.wrong == []


def test_one_bet_a_letter(refused):
    round = new_round()
    round.bet(0, chips(e=20))
    with refused("locked before"):
        round.bet(0, chips(m=20))
    with refused("another way"):
        round.guess(1, 4)
    for position in range(1, 5):
        round.skip(position)
    with refused("over"):
        round.skip(5)


def test_a_wrong_letter_is_not_asked_twice_and_costs_nothing(refused):
    round = new_round(mode="letters")
    round.guess(0, 0)
    with refused("tried this letter before"):
        round.guess(0, 0)
    assert round.wrong == [0]


def test_what_the_models_expect_next_is_not_to_be_had():
    round = new_round()
    round.bet(0, chips(e=20))
    assert len(round.expected(0)) == 3
    for position in (1, -1):
        with pytest.raises(IndexError):
            round.expected(position)


# --- the store ---------------------------------------------------------------------------------------------


def test_a_round_is_found_by_its_token_and_by_its_visitor_alone(refused):
    rounds = Rounds()
    round = rounds.open(new_round())
    assert rounds.find(round.token, OWNER) is round
    for token, owner in ((round.token, "1" * 32), (round.token, ""), ("x", OWNER), (None, OWNER), ([], OWNER)):
        with refused("over, or not yours"):
            rounds.find(token, owner)


def test_tokens_cannot_be_guessed():
    tokens = {new_round().token for _ in range(50)}
    assert len(tokens) == 50
    assert all(len(token) == 32 for token in tokens)  # 24 random bytes


def test_rounds_are_forgotten(refused):
    now = [0.0]
    rounds = Rounds(most=3, of_a_visitor=2, seconds=10, clock=lambda: now[0])
    _, second, third = (rounds.open(new_round()) for _ in range(3))
    assert rounds.of(OWNER, SHA) == [second, third]  # two of a visitor
    others = [rounds.open(new_round(owner=str(i) * 32)) for i in (1, 2)]
    assert rounds.of(OWNER, SHA) == [third]  # three of all
    now[0] = 6
    rounds.find(third.token, OWNER)
    now[0] = 12
    assert rounds.find(third.token, OWNER) is third  # touched since
    with refused("over, or not yours"):
        rounds.find(others[0].token, "1" * 32)
    assert MOST_OF_A_VISITOR > 2


def test_names_do_not_come_again_until_many_were_played():
    rounds = Rounds()
    drawn = [i for _ in range(12) for i in rounds.draw(OWNER, SHA, 100, 4)]
    assert len(set(drawn[:48])) == 48
    assert set(drawn) <= set(range(100))
    other = rounds.draw("1" * 32, SHA, 100, 4)
    assert len(other) == 4


@pytest.mark.parametrize("names", [1, 2, 3])
def test_a_tiny_corpus_can_be_played_again_and_again(names):
    rounds = Rounds()
    for _ in range(20):
        assert set(rounds.draw(OWNER, SHA, names, 4)) <= set(range(names))


def test_waiting_names_are_a_visitor_s_own():
    rounds = Rounds()
    rounds.put(OWNER, SHA, "calm-heron", [hidden("emma")])
    assert rounds.take("1" * 32, SHA, "calm-heron") is None
    assert rounds.take(OWNER, SHA, "another model") is None
    assert rounds.take(OWNER, SHA, "calm-heron") == hidden("emma")
    assert rounds.take(OWNER, SHA, "calm-heron") is None


# --- what comes back from the student's browser ------------------------------------------------------------


def test_played_names_come_back_from_the_work():
    round = new_round("em")
    for position in range(2):
        round.bet(position, chips(e=10, m=10))
    left = entry_of(round)
    assert left.asked == ".em…"
    whole = new_round("a")
    whole.skip(0)
    whole.skip(1)
    work = Work(entries=[left, entry_of(whole)])
    found = names_of(Work.model_validate(json.loads(json.dumps(work.to_json()))), SHA, "bets", [])
    assert [(name.letters, name.ended, len(name.mine)) for name in found] == [("em", False, 2), ("a", True, 2)]
    assert names_of(work, "b" * 64, "bets", []) == []
    # a name in play is counted as it stands, and not once more from the work
    assert names_of(work, SHA, "bets", [round])[-1].letters == "em"
    assert len(names_of(work, SHA, "bets", [round])) == 2


@pytest.mark.parametrize(
    ("asked", "guess", "truth"),
    [
        (".a.", [1.0], [1.0]),
        (".a.", [1.0, -5.0], [1.0, 1.0]),
        (".a.", [1.0, 500.0], [1.0, 1.0]),
        (".a.", [1.0, 1.0], [1.0]),
        (".a.", "<img src=x>", [1.0]),
        (".a.", [1.0, 1.0], None),
        ("", [], []),
        (".", [1.0], [1.0]),
    ],
)
def test_entries_that_are_not_ours_are_passed_over(asked, guess, truth):
    entry = Entry(level="guess", question=f"bets-{SHA[:16]}", asked=asked, guess=guess, truth=truth)
    assert [name for name in names_of(Work(entries=[entry]), SHA, "bets", []) if name.mine] == []
