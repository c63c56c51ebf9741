from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from gateway.core.coalescer import UNTIL_NEXT_TICK, Coalescer

LONG = 10.0

items = st.sampled_from(["quiet", "lively", "big"])


class Board:
    """Shows a number for each item; a coalescer tells the reader of it."""

    def __init__(self, rest_seconds: float = UNTIL_NEXT_TICK) -> None:
        self.rest_seconds = {"big": LONG}
        self.shown: dict[str, int] = {}
        self.told: list[tuple[str, int]] = []
        self.wakings = 0
        self._usual_rest_seconds = rest_seconds
        self.coalescer = Coalescer(self._tell, self._wake)

    def change(self, item: str, number: int) -> None:
        """Show another number."""
        self.shown[item] = number
        self.coalescer.changed(item)

    def take(self) -> list[tuple[str, int]]:
        """Return what has been told since the last call."""
        told, self.told = self.told, []
        return told

    @property
    def known(self) -> dict[str, int]:
        """What a reader makes of what has been told."""
        return dict(self.told)

    def _tell(self, item: str) -> float | None:
        number = self.shown[item]
        if self.known.get(item, 0) == number:
            return None
        self.told.append((item, number))
        return self.rest_seconds.get(item, self._usual_rest_seconds)

    def _wake(self) -> None:
        self.wakings += 1


def test_the_first_change_is_told_at_the_end_of_its_turn_as_it_stands_then():
    """Several of one turn are one, and the end of the turn is asked for once."""
    board = Board()
    board.change("quiet", 1)
    board.change("quiet", 2)
    board.change("lively", 3)
    assert (board.told, board.wakings) == ([], 1)
    board.coalescer.tell_first(0.0)
    assert board.told == [("quiet", 2), ("lively", 3)]


def test_what_follows_waits_for_the_tick_and_is_told_once():
    """As it stands then; nobody is woken for it."""
    board = Board()
    board.change("lively", 1)
    board.coalescer.tell_first(0.0)
    board.take()
    board.change("lively", 2)
    board.change("lively", 3)
    board.coalescer.tell_first(0.01)
    assert (board.told, board.wakings) == ([], 1)
    board.coalescer.tick(0.1)
    assert board.told == [("lively", 3)]


def test_what_a_tick_has_told_rests_until_the_next():
    """A lively thing is told of once a tick, however often it changes."""
    board = Board()
    for number in range(1, 40):
        board.change("lively", number)
        board.coalescer.tell_first(number / 40)
        if number % 10 == 0:
            board.coalescer.tick(number / 40)
    assert [number for _, number in board.told] == [1, 10, 20, 30]


def test_after_a_tick_in_which_nothing_changed_the_next_change_is_told_at_once():
    """It is quiet again, and the coalescer keeps nothing of it."""
    board = Board()
    board.change("quiet", 1)
    board.coalescer.tell_first(0.0)
    board.coalescer.tick(0.1)
    board.change("quiet", 2)
    board.coalescer.tell_first(0.11)
    assert board.told == [("quiet", 1), ("quiet", 2)]


def test_a_long_rest_lasts_until_the_first_tick_after_it():
    """What is big is told of at once, too, and then seldom."""
    board = Board()
    for tenth in range(25 * int(LONG)):
        board.change("big", tenth + 1)
        board.coalescer.tell_first(tenth / 10)
        board.coalescer.tick(tenth / 10)
    assert [number - 1 for _, number in board.told] == [0, 100, 200]


def test_changes_that_cancel_out_are_not_told_and_cost_no_rest():
    """Whoever comes next is told of at once."""
    board = Board()
    board.change("quiet", 1)
    board.change("quiet", 0)
    board.coalescer.tell_first(0.0)
    board.change("quiet", 2)
    board.coalescer.tell_first(0.01)
    assert board.told == [("quiet", 2)]


class CoalescerStory(RuleBasedStateMachine):
    """Changes, ends of turns and ticks in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.board = Board()
        self.now = 0.0
        self.since_tick: list[str] = []
        self.number = 0

    @rule(item=items)
    def change(self, item: str) -> None:
        """Something changes."""
        self.number += 1
        self.board.change(item, self.number)

    @rule(seconds=st.floats(0, 1))
    def end_turn(self, seconds: float) -> None:
        """A turn ends."""
        self.now += seconds
        before = len(self.board.told)
        self.board.coalescer.tell_first(self.now)
        self.since_tick += [item for item, _ in self.board.told[before:]]

    @rule(seconds=st.floats(0, 1))
    def tick(self, seconds: float) -> None:
        """A tick comes."""
        self.now += seconds
        before = len(self.board.told)
        self.board.coalescer.tick(self.now)
        self.since_tick = [item for item, _ in self.board.told[before:]]

    @invariant()
    def nothing_is_told_twice_between_two_ticks(self) -> None:
        """The bound on what telling costs."""
        assert len(self.since_tick) == len(set(self.since_tick))

    def teardown(self) -> None:
        """In the end everybody knows how things stand."""
        self.board.coalescer.tell_first(self.now)
        self.board.coalescer.tick(self.now + LONG)
        assert self.board.known == self.board.shown


TestCoalescerStory = CoalescerStory.TestCase
