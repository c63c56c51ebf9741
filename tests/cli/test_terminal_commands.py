import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cli.terminal_commands import (
    HELP,
    Help,
    Line,
    Mistake,
    Quit,
    Reveal,
    Say,
    StartStory,
    Vote,
    Who,
    parse,
)


@pytest.mark.parametrize(
    ("line", "meaning"),
    [
        ("hello there", Say("hello there")),
        ("  padded  ", Say("padded")),
        ("/vote 5", Vote("5")),
        ("/vote  ☕ ", Vote("☕")),
        ("/story Login page", StartStory("Login page")),
        ("/reveal", Reveal()),
        ("/who", Who()),
        ("/help", Help()),
        ("/quit", Quit()),
        ("", None),
        ("   ", None),
    ],
)
def test_lines_mean_what_they_say(line: str, meaning: Line | None):
    """Words are said, and each command is known."""
    assert parse(line) == meaning


@pytest.mark.parametrize(
    ("line", "advice"),
    [
        ("/vote", "It is /vote CARD."),
        ("/story ", "It is /story TITLE."),
        ("/reveal now", "stands alone"),
        ("/dance", "There is no command /dance; /help shows them all."),
    ],
)
def test_mistakes_are_explained(line: str, advice: str):
    """A line that means nothing says what to type instead."""
    meaning = parse(line)
    assert isinstance(meaning, Mistake)
    assert advice in meaning.text


@given(st.text())
def test_any_line_has_a_meaning(line: str):
    """Nothing that can be typed is an error of the program."""
    parse(line)


def test_help_tells_every_command():
    """What the help lists can be typed."""
    for usage, _ in HELP:
        if usage.startswith("/"):
            assert not isinstance(parse(usage), Mistake)
