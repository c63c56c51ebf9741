import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cli.terminal_commands import HELP, parse
from gateway.cli.terminal_lines import (
    Away,
    Back,
    Ban,
    Delete,
    Edit,
    Edits,
    Help,
    Kick,
    Leave,
    Line,
    Members,
    Mistake,
    More,
    Mute,
    Quit,
    React,
    Rename,
    Reply,
    Reveal,
    Say,
    Search,
    SetRole,
    SetTopic,
    StartStory,
    Thread,
    Unban,
    Unmute,
    Vote,
    Who,
    WhoRead,
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
        ("/reply yes", Reply(1, "yes")),
        ("/reply 2 yes, but", Reply(2, "yes, but")),
        ("/reply 2", Reply(1, "2")),
        ("/edit said better", Edit("said better")),
        ("/delete", Delete(None)),
        ("/delete 3", Delete(3)),
        ("/react 👍", React("👍", 1)),
        ("/react :+1: 2", React("👍", 2)),
        ("/topic What we do", SetTopic("What we do")),
        ("/name Lounge", Rename("Lounge")),
        ("/role Ann Lee Moderator", SetRole("Ann Lee", "moderator")),
        ("/mute Ann Lee 5", Mute("Ann Lee", 5)),
        ("/unmute Ann Lee", Unmute("Ann Lee")),
        ("/kick @Ann", Kick("@Ann")),
        ("/ban Ann", Ban("Ann")),
        ("/unban Ann", Unban("Ann")),
        ("/leave", Leave()),
        ("/who", Who()),
        ("/more", More()),
        ("/search two words", Search("two words")),
        ("/thread", Thread(None)),
        ("/thread 2", Thread(2)),
        ("/edits", Edits(None)),
        ("/edits 2", Edits(2)),
        ("/who-read", WhoRead(None)),
        ("/who-read 2", WhoRead(2)),
        ("/members", Members()),
        ("/away", Away()),
        ("/back", Back()),
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
        ("/vote", "It is /vote CARD: play a card"),
        ("/story ", "It is /story TITLE: "),
        ("/reveal now", "stands alone"),
        ("/reply", "It is /reply [N] TEXT"),
        ("/delete it", "It is /delete [N]"),
        ("/delete 0", "It is /delete [N]"),
        ("/react", "It is /react EMOJI [N]"),
        ("/react 👍 me", "It is /react EMOJI [N]"),
        ("/role Ann king", "It is /role NAME ROLE: make somebody admin, moderator or member."),
        ("/role admin", "It is /role NAME ROLE"),
        ("/mute Ann", "It is /mute NAME MINUTES"),
        ("/mute 5", "It is /mute NAME MINUTES"),
        ("/mute Ann 99999999999", "It is /mute NAME MINUTES"),
        ("/kick", "It is /kick NAME"),
        ("/search", "It is /search WORDS"),
        ("/more 5", "stands alone"),
        ("/thread it", "It is /thread [N]"),
        ("/who-read 0", "It is /who-read [N]"),
        ("/dance", "There is no command /dance; /help shows them all."),
    ],
)
def test_mistakes_are_explained(line: str, advice: str):
    """A line that means nothing says what to type instead."""
    meaning = parse(line)
    assert isinstance(meaning, Mistake)
    assert advice in meaning.text


@given(st.text() | st.text().map("/mute ".__add__) | st.text().map("/reply ".__add__))
def test_any_line_has_a_meaning(line: str):
    """Nothing that can be typed is an error of the program."""
    parse(line)


def test_help_tells_every_command():
    """What the help lists can be typed."""
    samples = {"[N]": "1", "MINUTES": "5", "ROLE": "member"}
    for usage, _ in HELP:
        if usage.startswith("/"):
            line = " ".join(samples.get(word, word) for word in usage.split())
            assert not isinstance(parse(line), Mistake)
