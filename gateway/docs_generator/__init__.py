"""Everything that is written from the code: protocol, settings, errors, metrics, and types.

Each artefact is a pure function that returns text. ``gateway types`` writes
them into the checkout, and a test fails while one of them is stale.
"""

from pathlib import Path

from gateway.docs_generator.asyncapi import asyncapi_document
from gateway.docs_generator.metrics import metrics_page
from gateway.docs_generator.protocol import protocol_page
from gateway.docs_generator.settings import env_example, settings_page
from gateway.docs_generator.typescript import typescript_types
from gateway.web.error_docs import errors_page


def artefacts() -> dict[Path, str]:
    """Return the text of every generated file, by its path in the repository."""
    return {
        Path("docs/protocol.md"): protocol_page(),
        Path("docs/asyncapi.json"): asyncapi_document(),
        Path("clients/typescript/protocol.d.ts"): typescript_types(),
        Path("docs/errors.md"): errors_page(),
        Path("docs/settings.md"): settings_page(),
        Path("docs/metrics.md"): metrics_page(),
        Path(".env.example"): env_example(),
    }


def stale(root: Path) -> list[str]:
    """Return the generated files below ``root`` that are missing or not as the models say."""
    return [str(path) for path in _stale(root, artefacts())]


def write(root: Path) -> list[str]:
    """Write the stale files below ``root``, and return which they were."""
    texts = artefacts()
    changed = _stale(root, texts)
    for name in changed:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(texts[name], encoding="utf-8")
    return [str(name) for name in changed]


def _stale(root: Path, texts: dict[Path, str]) -> list[Path]:
    return [path for path, text in texts.items() if _read(root / path) != text]


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
