"""What text people may give each other to read."""

import unicodedata
from typing import Final

JOINERS: Final = "\u200c\u200d"
"""The two format characters that spelling needs: Persian words, and family emoji."""

_REFUSED: Final = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})
# Unicode's categories control, format, private use, surrogate, line and
# paragraph separator. Format characters turn the direction of what follows: a
# name could pose as another. PostgreSQL cannot store NUL or a lone surrogate.


def is_plain(text: str, *, also: str = "") -> bool:
    """Whether the text can be stored and shown, and nothing in it acts on its surroundings.

    ``also`` lists control characters that are welcome, such as a line's end.
    """
    return all(
        unicodedata.category(character) not in _REFUSED or character in JOINERS or character in also
        for character in text
    )
