import subprocess
import sys
from pathlib import Path

import pytest

from gateway.storage.codegen import GENERATED, QueryError, generate, stale
from gateway.storage.connection import Connection


@pytest.fixture
def queries(tmp_path: Path) -> Path:
    """An empty folder for SQL files."""
    folder = tmp_path / "queries"
    folder.mkdir()
    return folder


@pytest.fixture
def into(tmp_path: Path) -> Path:
    """Where to generate."""
    return tmp_path / "generated"


async def _generated(conn: Connection, queries: Path, into: Path, sql: str) -> str:
    (queries / "things.sql").write_text(sql)
    await generate(conn, write=True, queries=queries, into=into)
    return (into / "things.py").read_text()


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*"))


async def test_the_generated_code_is_current(conn: Connection) -> None:
    """Schema, queries and generated code belong together: `gateway types` would change nothing."""
    assert await stale(conn) == []


def test_the_generated_code_is_formatted() -> None:
    """The formatter has nothing to add, so nobody's editor changes generated files."""
    subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--isolated", "--line-length=100", "--check"]
        + [str(path) for path in GENERATED.glob("*.py")],
        check=True,
        capture_output=True,
    )


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("-- name: a()\n-- Doc.\nselect nmae from users;", 'column "nmae" does not exist'),
        ("-- name: a()\n-- Doc.\nselect name from persons;", 'relation "persons" does not exist'),
        ("-- name: a()\n-- Doc.\nselec;", 'syntax error at or near "selec"'),
        ("-- name: a()\n-- Doc.\nselect :b;", "undeclared parameter name in query a: b"),
        ("-- name: a\n-- Doc.\nselect 1;", "missing mandatory parameter list"),
        ("-- name: a(b)*!\n-- Doc.\nselect :b;", "give arrays to one statement"),
        ("-- name: a()\nselect 1;", "no sentence above it"),
        ("-- name: a()\n-- Doc.\n-- nullable: idd\nselect id from users;", "names idd"),
        ("-- name: room()^\n-- Doc.\nselect 1 as a, 2 as b;", "RoomRow is the row type of a table"),
        ("-- name: a()\n-- nullable: id\nselect id from users;", "no sentence above it"),
        ("-- name: a()\n-- Doc.\nselect '(1,2)'::point as p;", "p has the type point"),
    ],
)
async def test_a_wrong_query_is_named_with_the_reason(
    conn: Connection, queries: Path, into: Path, sql: str, reason: str
) -> None:
    """The error has the file, the query and what is wrong; nothing is written."""
    with pytest.raises(QueryError) as refused:
        await _generated(conn, queries, into, sql)
    assert reason in str(refused.value)
    assert "things.sql" in str(refused.value)
    assert _names(into) == []


async def test_a_whole_table_gives_the_tables_row(
    conn: Connection, queries: Path, into: Path
) -> None:
    """Queries with all columns of a table share its row type."""
    sql = "-- name: find(user_id)^\n-- Doc.\nselect * from users where id = :user_id;"
    code = await _generated(conn, queries, into, sql)
    assert "    user_id: UserId,\n) -> UserRow | None:" in code
    assert "class FindRow" not in code


async def test_columns_have_the_types_of_their_tables(
    conn: Connection, queries: Path, into: Path
) -> None:
    """Ids have their own types, and null is told apart from never null."""
    sql = (
        "-- name: find()\n-- Doc.\n"
        "select m.id, m.room_id, m.user_id, m.seq, m.content, u.username as author, u.id as by,"
        " r.name, s.final_status, length(m.content) as size\n"
        "from messages m join rooms r on r.id = m.room_id left join users u on u.id = m.user_id\n"
        "join sync_sessions s on s.room_id = r.id;"
    )
    code = await _generated(conn, queries, into, sql)
    for field in (
        "id: MessageId", "room_id: RoomId", "user_id: UserId | None", "seq: Seq", "content: str",
        "author: str | None", "by: UserId | None", "name: str",
        "final_status: SyncStatus | None", "size: int | None",
    ):  # fmt: skip
        assert f"    {field}\n" in code
    assert "-> list[FindRow]:" in code


async def test_a_comment_overrides_what_may_be_null(
    conn: Connection, queries: Path, into: Path
) -> None:
    """Parameters, their elements and result columns can be said to be null or never null."""
    sql = (
        "-- name: find(names, description)^\n-- Doc.\n"
        "-- nullable: names[], description, id\n-- not null: size\n"
        "select id, cardinality(:names::text[]) as size, :description::text as text from rooms;"
    )
    code = await _generated(conn, queries, into, sql)
    assert "    names: Sequence[str | None],\n    description: str | None,\n" in code
    assert "    id: RoomId | None\n    size: int\n    text: str | None\n" in code
    assert '    """Doc."""\n' in code


@pytest.mark.parametrize(
    ("suffix", "sql", "returns"),
    [
        ("", "select id from rooms", "list[RoomId]"),
        ("^", "select id, name from rooms", "FindRow | None"),
        ("$", "select id from rooms", "RoomId | None"),
        ("!", "delete from rooms", "int"),
        ("<!", "insert into rooms (name) values ('') returning id", "RoomId"),
        ("<!", "insert into rooms (name) values ('') returning *", "RoomRow"),
    ],
)
async def test_the_suffix_tells_what_is_answered(
    conn: Connection, queries: Path, into: Path, suffix: str, sql: str, returns: str
) -> None:
    """Rows, one row or none, a value, a count, or the row that was written."""
    code = await _generated(conn, queries, into, f"-- name: find(){suffix}\n-- Doc.\n{sql};")
    assert f"async def find(conn: Connection) -> {returns}:" in code


async def test_files_of_removed_queries_are_removed(
    conn: Connection, queries: Path, into: Path
) -> None:
    """Without its SQL file a generated module is stale, and goes."""
    await _generated(conn, queries, into, "-- name: a()$\n-- Doc.\nselect 1 as b;")
    (queries / "things.sql").unlink()
    assert await generate(conn, write=False, queries=queries, into=into) == ["things.py"]
    await generate(conn, write=True, queries=queries, into=into)
    assert _names(into) == ["__init__.py", "tables.py"]
