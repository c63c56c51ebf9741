import re
from pathlib import Path

from gateway.core.close_codes import CloseCode
from gateway.web.error_docs import errors_page

PAGE = Path(__file__).parents[2] / "docs" / "errors.md"


def test_the_page_of_errors_is_current():
    """Run `gateway types` after changing the error tree or the close codes."""
    assert PAGE.read_text(encoding="utf-8") == errors_page()


def test_the_page_explains_every_close_code():
    """No row is without a meaning."""
    for code in CloseCode:
        assert re.search(
            rf"^\| {code.value} \| `{code.name.lower()}` \| .+ \|$", errors_page(), re.MULTILINE
        )
