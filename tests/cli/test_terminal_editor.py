import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cli.terminal_editor import LineEditor

KEYS = st.lists(
    st.sampled_from(
        [
            *("a", "é", "漢", " ", "/", "\r", "\n", "\x7f", "\x08", "\x01", "\x05", "\x0b", "\x15"),
            *(
                "\x17",
                "\x1b[D",
                "\x1b[C",
                "\x1b[H",
                "\x1b[F",
                "\x1b[3~",
                "\x1b[1;5C",
                "\x1bx",
                "\t",
            ),
        ]
    )
)


def after(keys: str) -> LineEditor:
    """Return an editor that was fed these keys."""
    editor = LineEditor()
    editor.feed(keys)
    return editor


@pytest.mark.parametrize(
    ("keys", "text", "cursor"),
    [
        ("hello", "hello", 5),
        ("helo\x1b[Dl", "hello", 4),
        ("ello\x1b[Hh", "hello", 1),
        ("ello\x01h\x05!", "hello!", 6),
        ("hellp\x7fo", "hello", 5),
        ("hxello\x01\x1b[C\x1b[3~", "hello", 1),
        ("hello wide world\x17\x17", "hello ", 6),
        ("hello\x15", "", 0),
        ("hello world\x01\x1b[C\x1b[C\x0b", "he", 2),
        ("\x7f\x1b[D\x1b[3~", "", 0),
        ("tab\tand\x1bxbell\x07", "tabandbell", 10),
    ],
)
def test_keys_edit_the_line(keys: str, text: str, cursor: int):
    """The usual keys do the usual things, and others do nothing."""
    editor = after(keys)
    assert (editor.text, editor.cursor) == (text, cursor)


def test_enter_completes_lines():
    """A pasted text of several lines completes each, and the rest stays to be edited."""
    editor = LineEditor()
    assert editor.feed("one\rtwo\nthree") == ["one", "two"]
    assert editor.text == "three"


def test_the_end_is_ctrl_d_on_an_empty_line():
    """Ctrl-D among words is no farewell."""
    assert not after("words\x04").is_ended
    assert after("\x04").is_ended


@given(KEYS, st.data())
def test_it_does_not_matter_how_keys_arrive(keys: list[str], data: st.DataObject):
    """Keys cut anywhere, even inside an escape sequence, have the same effect."""
    text = "".join(keys)
    whole, parts = LineEditor(), LineEditor()
    lines = whole.feed(text)
    cut = data.draw(st.integers(0, len(text)))
    assert parts.feed(text[:cut]) + parts.feed(text[cut:]) == lines
    assert (parts.text, parts.cursor) == (whole.text, whole.cursor)


@given(st.lists(st.text()))
def test_the_cursor_stays_in_the_line(pieces: list[str]):
    """Whatever arrives, the line holds printable text and the cursor is in it."""
    editor = LineEditor()
    for piece in pieces:
        editor.feed(piece)
        assert 0 <= editor.cursor <= len(editor.text)
        assert editor.text.isprintable()
