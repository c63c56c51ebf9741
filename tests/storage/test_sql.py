from pathlib import Path

import pytest

from gateway.storage.resources import MIGRATIONS, QUERIES
from gateway.storage.sql import Answer, Query, affected_rows, read_queries, sql_of, the_row


def test_a_query_is_read_with_numbered_parameters(tmp_path: Path) -> None:
    """A parameter has one number however often it is used; casts and literals are left alone."""
    path = tmp_path / "things.sql"
    path.write_text(
        "-- About things.\n\n-- name: find(b, a)^\n-- Finds one.\n-- Primary key.\n"
        "select a::text, ':no' from things where a = :a and b = :b and c = :a;\n"
    )
    assert read_queries(path) == [
        Query(
            name="find",
            answer=Answer.ROW_OR_NONE,
            sql="select a::text, ':no' from things where a = $1 and b = $2 and c = $1;",
            comment="Finds one.\nPrimary key.",
            parameters=("a", "b"),
        )
    ]


def test_the_folders_hold_the_projects_sql() -> None:
    """Queries and migrations are found wherever the package is installed."""
    assert "get_user" in sql_of("users")
    assert list(MIGRATIONS.glob("*.sql"))
    assert list(QUERIES.glob("*.sql"))


@pytest.mark.parametrize(
    ("status", "rows"), [("INSERT 0 3", 3), ("UPDATE 0", 0), ("DELETE 12", 12)]
)
def test_the_status_of_a_command_tells_how_many_rows(status: str, rows: int) -> None:
    """The number is the last word, also after the row id that INSERT still mentions."""
    assert affected_rows(status) == rows


def test_a_row_that_must_be_there_is_missed_loudly() -> None:
    """A query that promised a row and gave none is a fault of ours."""
    with pytest.raises(LookupError, match="no row"):
        the_row(None)
