"""What people say, words as often as words are, and what they and their rooms are called (pure)."""

from itertools import accumulate, islice, product
from random import Random
from typing import Final


def _listed(text: str) -> tuple[str, ...]:
    return tuple(text.split())


FREQUENT_WORD: Final = "the"
"""In about every fourth message."""

RARE_WORD: Final = "quokka"
"""In one message of five thousand."""

_COMMON: Final = _listed(
    "the to of and a in is it you that for on was with are be this have at not or but what all "
    "we when your can there use an each which do how if will up other about out many then them "
    "these so some would make like has look more see time could no go people my than first been "
    "call who its now find long down day did get come made may part over new take only little "
    "work know place year live me back give most very after thing our just name good sentence "
    "think say great where help through much before line right too mean old any same tell"
)
FIRST_NAMES: Final = _listed(
    "ada alan barbara claude dennis donald edsger frances grace hedy jean joan john karen kathleen "
    "ken lynn margaret mary niklaus radia robin shafi sophie tim tony whitfield"
)
LAST_NAMES: Final = _listed(
    "allen backus bartik booth diffie dijkstra goldwasser hamilton hoare hopper johnson jones "
    "kernighan keller knuth lamarr liskov lovelace milner perlman ritchie shannon thompson turing "
    "wilson wirth"
)
ROOM_ADJECTIVES: Final = _listed(
    "alpine amber autumn brave bright calm clever copper coral crimson early eager emerald fast "
    "gentle golden happy hidden ivory jolly late lively lucky mellow misty modern noble quiet "
    "rapid royal silent silver steady sunny swift violet warm wild winter young"
)
ROOM_SUBJECTS: Final = _listed(
    "backend billing books budget cafeteria customers data design docs events finance football "
    "frontend games garden growth hiring incidents kitchen launch legal mobile music office "
    "onboarding payroll photos planning platform press questions random releases research sales "
    "security standup support travel website"
)

_SYLLABLES: Final = ("ba", "ke", "li", "mo", "nu", "pra", "ren", "sil", "tor", "vun", "wix", "zam")
_MADE_UP: Final = 6_000
_VOCABULARY: Final = _COMMON + tuple(
    "".join(word)
    for word in islice(
        (word for count in (2, 3, 4) for word in product(_SYLLABLES, repeat=count)),
        _MADE_UP,
    )
)
# Zipf's law, as Mandelbrot corrected it: the n-th word comes 1 / (n + 2.7) times as often.
_WEIGHTS: Final = tuple(accumulate(1 / (rank + 2.7) for rank in range(1, len(_VOCABULARY) + 1)))

_MEAN_WORDS: Final = 9
_MAX_WORDS: Final = 80
_RARITY: Final = 1 / 5_000


def sentence(rng: Random) -> str:
    """Return what somebody says: mostly a few words, sometimes many."""
    count = min(1 + int(rng.expovariate(1 / _MEAN_WORDS)), _MAX_WORDS)
    words = rng.choices(_VOCABULARY, cum_weights=_WEIGHTS, k=count)
    if rng.random() < _RARITY:
        words[0] = RARE_WORD
    return " ".join(words)
