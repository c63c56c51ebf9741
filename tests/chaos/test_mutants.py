"""The gateways with a broken promise."""

import pytest

from tests.chaos.mutants import MUTANTS, mutated_checkout


@pytest.mark.parametrize("mutant", MUTANTS)
def test_every_patch_still_fits(mutant: str):
    """The code that it changes is there, and is Python afterwards."""
    with mutated_checkout(mutant) as checkout:
        for patch in MUTANTS[mutant]:
            text = (checkout / patch.file).read_text("utf-8")
            assert patch.new in text
            if patch.file.endswith(".py"):
                compile(text, patch.file, "exec")
