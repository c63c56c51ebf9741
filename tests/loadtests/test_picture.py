from xml.etree import ElementTree as ET

from loadtests.figures import Figures, percentile
from loadtests.picture import Curve, distribution_svg


def test_percentiles():
    """Of a hundred values; the hundredth is the greatest, and of nothing there is none."""
    rising = [float(number) for number in range(1, 101)]
    assert [percentile(rising, percent) for percent in (0, 50, 99, 100)] == [1, 51, 100, 100]
    assert percentile([], 99) == 0


def test_figures_keep_deliveries_apart():
    """What is told in ticks has its own times; a failure has none, and counts."""
    figures = Figures()
    figures.note("deliver", "chat.message", 2.0)
    figures.note("deliver", "typing.changed", 60.0)
    figures.note("ack", "chat.send", 1.0, ValueError())
    assert figures.delivery_times(in_ticks=False) == [2.0]
    assert figures.delivery_times(in_ticks=True) == [60.0]
    assert (figures.deliveries, figures.failures) == (2, 1)


def test_the_picture_is_drawn_with_and_without_deliveries():
    """Well-formed SVG; a curve that has no deliveries is left out."""
    picture = distribution_svg([Curve("talk", [0.01, 3.0, 20_000.0]), Curve("ticks", [])])
    text = "".join(ET.fromstring(picture).itertext())  # noqa: S314 - our own picture
    assert "talk: 3, p50 3.0 ms, p99 20000.0 ms" in text
    assert "ticks" not in text
