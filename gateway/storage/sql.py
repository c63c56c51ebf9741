"""The named queries as they stand in ``queries/``, read by aiosql.

aiosql splits a file into queries and turns ``:name`` into ``$1``. The queries
are then called by the generated functions and not by aiosql's own: those look
up the client's methods at every call, and hold a pool's connection for as long
as somebody iterates over a result.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import asyncpg
from aiosql.adapters.asyncpg import AsyncPGAdapter
from aiosql.query_loader import QueryLoader
from aiosql.types import QueryDatum, SQLOperationType

from gateway.storage.resources import QUERIES


class Answer(Enum):
    """What a query answers with, by the suffix of its name."""

    ROWS = ""
    ROW_OR_NONE = "^"
    VALUE = "$"
    AFFECTED = "!"
    ROW = "<!"


_ANSWERS = {
    SQLOperationType.SELECT: Answer.ROWS,
    SQLOperationType.SELECT_ONE: Answer.ROW_OR_NONE,
    SQLOperationType.SELECT_VALUE: Answer.VALUE,
    SQLOperationType.INSERT_UPDATE_DELETE: Answer.AFFECTED,
    SQLOperationType.INSERT_RETURNING: Answer.ROW,
}


@dataclass(frozen=True, slots=True)
class Query:
    """A named query. ``parameters`` are in the order of their numbers in ``sql``."""

    name: str
    answer: Answer
    sql: str
    comment: str
    parameters: tuple[str, ...]


def read_queries(path: Path) -> list[Query]:
    """Return the queries of the file at ``path``, in its order.

    Raises aiosql's ``SQLParseException`` with file, line and reason, and
    ``ValueError`` for an operation this gateway does not use.
    """
    adapter = AsyncPGAdapter()  # type: ignore[no-untyped-call]  # aiosql's adapters are untyped
    loader = QueryLoader(adapter, record_classes=None)
    found = loader.load_query_data_from_file(path, encoding="utf-8")
    return [_query(datum, path, adapter.var_sorted[datum.query_name]) for datum in found]


def sql_of(subject: str) -> dict[str, str]:
    """Return the SQL texts of ``queries/<subject>.sql`` by name."""
    return {query.name: query.sql for query in read_queries(QUERIES / f"{subject}.sql")}


def affected_rows(status: str) -> int:
    """Return the number of rows in PostgreSQL's answer to a command, such as ``UPDATE 3``."""
    return int(status.rpartition(" ")[2])


def _query(datum: QueryDatum, path: Path, parameters: Sequence[str]) -> Query:
    if datum.operation_type not in _ANSWERS:
        raise ValueError(
            f"{path.name}: {datum.query_name}: scripts (#) and repeated statements (*!) are not "
            "used here; give arrays to one statement instead."
        )
    return Query(
        name=datum.query_name,
        answer=_ANSWERS[datum.operation_type],
        sql=datum.sql,
        comment=datum.doc_comments,
        parameters=tuple(parameters),
    )


def the_row(record: asyncpg.Record | None) -> asyncpg.Record:
    """Return the row of a query that always answers with one."""
    if record is None:
        raise LookupError("a query whose name ends in <! has returned no row; ^ is for those")
    return record
