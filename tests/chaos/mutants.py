"""Gateways with one promise broken on purpose: a checker that passes them checks nothing."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

_CHECKOUT: Final = Path(__file__).parents[2]
_NEEDED: Final = ("gateway", "queries", "migrations")


class Patch(NamedTuple):
    """A piece of a file, found exactly once, and what stands there instead."""

    file: str
    old: str
    new: str


MUTANTS: Final[Mapping[str, tuple[Patch, ...]]] = {
    "reply-before-commit": (
        Patch(
            "gateway/runtime/ledger.py",
            "                results = await batch.run()\n",
            "                results = await batch.run()\n"
            "                some = [entry for room in entries.values() for entry in room]\n"
            "                for entry, result in zip(some, results):\n"
            "                    if entry.submission.key is not None:\n"
            "                        entry.asker.answer([Answer(entry.command_id, result)])\n"
            "                        self._told.add(id(entry))\n",
        ),
        Patch(
            "gateway/runtime/ledger.py",
            "        for entry, result in zip(entries, results, strict=True):\n",
            "        for entry, result in zip(entries, results, strict=True):\n"
            "            if id(entry) in self._told:\n"
            "                self._told.discard(id(entry))\n"
            "                continue\n",
        ),
        Patch(
            "gateway/runtime/ledger.py",
            "        self._closed = False\n",
            "        self._closed = False\n        self._told: set[int] = set()\n",
        ),
    ),
    "no-gap-check": (
        Patch(
            "gateway/runtime/room.py",
            "        if publication.first > self.seq + 1:\n",
            "        if False:\n",
        ),
    ),
    "ignore-key": (
        Patch(
            "gateway/runtime/batch.py",
            "        if submission.key is None:\n            return None\n",
            "        if True:\n            return None\n",
        ),
        Patch(
            "migrations/20261121090100_rooms.sql",
            "create unique index room_events_key_idx",
            "create index room_events_key_idx",
        ),
    ),
    "marker-goes-back": (
        Patch(
            "gateway/activities/chat/marking.py",
            "        if mark.number <= (before.number if before else mark.read_count):\n",
            "        if mark.number == (before.number if before else mark.read_count):\n",
        ),
        Patch(
            "queries/messages.sql",
            "where m.room_id = e.room_id and m.user_id = e.user_id and m.last_read_seq < e.seq;\n",
            "where m.room_id = e.room_id and m.user_id = e.user_id;\n",
        ),
    ),
    "kick-leaves-open": (
        Patch(
            "gateway/runtime/room.py",
            "        return is_own and departure.seq > self._standing.get(member, 0)\n",
            "        return False\n",
        ),
    ),
    "told-after-the-end": (
        Patch(
            "gateway/runtime/room.py",
            "            self._hand_out(publication.until(departure.seq), departure)\n"
            "            publication = publication.after(departure.seq)\n",
            "            self._hand_out(publication, departure)\n            return\n",
        ),
    ),
    "keep-what-was-deleted": (
        Patch(
            "gateway/runtime/batch.py",
            "            if room.redacted:\n",
            "            if False:\n",
        ),
    ),
    "mute-is-not-heeded": (
        Patch(
            "gateway/activities/activity.py",
            "        if muted_until is not None and muted_until > self.now:\n",
            "        if False:\n",
        ),
    ),
}


@contextmanager
def mutated_checkout(mutant: str, checkout: Path | None = None) -> Iterator[Path]:
    """Copy what a gateway consists of (of this checkout), with the mutant's patches."""
    with tempfile.TemporaryDirectory(prefix="parley-mutant-") as place:
        copy = Path(place)
        for folder in _NEEDED:
            shutil.copytree((checkout or _CHECKOUT) / folder, copy / folder)
        for patch in MUTANTS[mutant]:
            _apply(patch, copy)
        yield copy


def _apply(patch: Patch, checkout: Path) -> None:
    file = checkout / patch.file
    text = file.read_text("utf-8")
    if text.count(patch.old) != 1:
        raise ValueError(f"{patch.file} has changed: mend its patch")
    file.write_text(text.replace(patch.old, patch.new), "utf-8")
