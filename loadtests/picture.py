"""How latencies are spread, as an SVG picture: a histogram with a logarithmic axis of time."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from loadtests.figures import percentile

WIDTH, HEIGHT = 820, 360
LEFT, RIGHT, TOP, BOTTOM = 56, 20, 24, 48

LEAST_MS, MOST_MS = 0.1, 10_000.0
FONT: Final = 'font-family="sans-serif" font-size="12"'

BARS: Final = 100
"""Twenty for each power of ten."""

COLOURS: Final = ("#2563eb", "#d97706")


@dataclass(frozen=True)
class Curve:
    """Latencies (ms) in rising order, and what they are of."""

    name: str
    times: Sequence[float]


def distribution_svg(curves: Sequence[Curve]) -> str:
    """Draw the share of each curve's deliveries by the time they took, with p50 and p99."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" {FONT}>',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        *_axis(),
    ]
    shares = [_shares(curve.times) for curve in curves]
    most = max((share for bars in shares for share in bars), default=0) or 1
    for number, (curve, bars) in enumerate(zip(curves, shares, strict=True)):
        if curve.times:
            parts += _curve(curve, bars, most, number)
    return "\n".join([*parts, "</svg>", ""])


def _x(milliseconds: float) -> float:
    inside = min(max(milliseconds, LEAST_MS), MOST_MS)
    share = math.log10(inside / LEAST_MS) / math.log10(MOST_MS / LEAST_MS)
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def _shares(times: Sequence[float]) -> list[float]:
    counts = [0] * BARS
    for milliseconds in times:
        share = (_x(milliseconds) - LEFT) / (WIDTH - LEFT - RIGHT)
        counts[min(BARS - 1, int(share * BARS))] += 1
    return [count / len(times) for count in counts] if times else []


def _axis() -> list[str]:
    bottom = HEIGHT - BOTTOM
    parts = []
    milliseconds = LEAST_MS
    while milliseconds <= MOST_MS:
        x = _x(milliseconds)
        parts += [
            f'<path d="M{x:.1f} {TOP}V{bottom}" stroke="#e5e7eb"/>',
            f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{milliseconds:g} ms</text>',
        ]
        milliseconds *= 10
    parts.append(f'<path d="M{LEFT} {bottom}H{WIDTH - RIGHT}" stroke="#6b7280"/>')
    return parts


def _curve(curve: Curve, bars: Sequence[float], most: float, number: int) -> list[str]:
    bottom, wide = HEIGHT - BOTTOM, (WIDTH - LEFT - RIGHT) / BARS
    colour = COLOURS[number % len(COLOURS)]
    outline = f"M{LEFT} {bottom}"
    for place, share in enumerate(bars):
        y = bottom - share / most * (bottom - TOP)
        outline += f"L{LEFT + place * wide:.1f} {y:.1f}H{LEFT + (place + 1) * wide:.1f}"
    outline += f"V{bottom}Z"
    times = list(curve.times)
    median, slow = percentile(times, 50), percentile(times, 99)
    legend = f"{curve.name}: {len(times):,}, p50 {median:.1f} ms, p99 {slow:.1f} ms"
    line = HEIGHT - 14
    return [
        f'<path d="{outline}" fill="{colour}" fill-opacity="0.35" stroke="{colour}"/>',
        f'<path d="M{_x(slow):.1f} {TOP}V{bottom}" stroke="{colour}" stroke-dasharray="4 3"/>',
        f'<text x="{_x(slow) + 4:.1f}" y="{TOP + 12 + 16 * number}" fill="{colour}">p99</text>',
        f'<text x="{LEFT + number * 370}" y="{line}" fill="{colour}">{legend}</text>',
    ]
