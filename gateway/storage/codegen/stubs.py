"""From a named query to the types of its function, by asking PostgreSQL to prepare it.

PostgreSQL tells the types of parameters and result columns, and not which of
them may be null. That is decided here:

* A result column that is a table's column is as nullable as it is there, or
  nullable behind an outer join.
* Any other (an expression) may be null.
* A parameter may not be null.

Where that is wrong, the query's comment says so: ``-- nullable: a, b`` for
columns and parameters (``keys[]`` for the elements of an array), ``-- not
null: c`` for columns.
"""

import re
from dataclasses import dataclass
from typing import Final

import asyncpg
from asyncpg.types import Attribute, Type

from gateway.storage.codegen.catalogue import Catalogue, Column, Table
from gateway.storage.codegen.python_types import (
    PythonType,
    UnknownTypeError,
    class_name,
    python_type,
    row_name,
)
from gateway.storage.codegen.select_list import items, mentions
from gateway.storage.connection import Connection
from gateway.storage.sql import Answer, Query

_NOTE: Final = re.compile(r"^(nullable|not null):(.*)$", re.MULTILINE)


class QueryError(Exception):
    """A named query is wrong; the message has the file, the query and the reason."""


@dataclass(frozen=True, slots=True)
class Field:
    """A parameter or result column with its type."""

    name: str
    type: PythonType


@dataclass(frozen=True, slots=True)
class Stub:
    """All the generated function needs. ``row`` is the table's row type when that fits."""

    query: Query
    doc: str
    parameters: tuple[Field, ...]
    columns: tuple[Field, ...]
    row: str | None


@dataclass(frozen=True, slots=True)
class _Notes:
    """The names in a query's comment after ``nullable:`` and ``not null:``."""

    nullable: frozenset[str]
    not_null: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Source:
    """A table's column that a result column may be."""

    type: PythonType
    nullable: bool


async def make_stub(conn: Connection, query: Query, catalogue: Catalogue) -> Stub:
    """Return the types of ``query``, or raise ``QueryError`` without the file's name."""
    try:
        prepared = await conn.prepare(query.sql)
        # Of a statement that answers with a count, the columns do not matter.
        columns = () if query.answer is Answer.AFFECTED else prepared.get_attributes()
        return _stub(query, prepared.get_parameters(), columns, catalogue)
    except (asyncpg.PostgresError, UnknownTypeError) as error:
        raise QueryError(f"{query.name}: {error}") from error


def _stub(
    query: Query,
    parameter_types: tuple[Type, ...],
    attributes: tuple[Attribute, ...],
    catalogue: Catalogue,
) -> Stub:
    notes = _notes(query.comment)
    columns = [attribute.name for attribute in attributes]
    _check_name(query, catalogue)
    _check_notes(query, notes, columns)
    # A note about a parameter says nothing of the column of the same name.
    noted = notes.nullable & {*columns} - {*query.parameters}
    table = None if noted else _same_table(query, attributes, catalogue)
    return Stub(
        query=query,
        doc=_doc(query),
        parameters=tuple(
            _parameter(name, pg.name, notes, catalogue)
            for name, pg in zip(query.parameters, parameter_types, strict=True)
        ),
        columns=tuple(_column(query, attribute, notes, catalogue) for attribute in attributes),
        row=row_name(table.name) if table else None,
    )


def _doc(query: Query) -> str:
    """Return the query's comment without its notes: the docstring of its function."""
    doc = _NOTE.sub("", query.comment).strip()
    if not doc:
        raise QueryError(f"{query.name}: there is no sentence above it")
    return doc


def _notes(comment: str) -> _Notes:
    names: dict[str, set[str]] = {"nullable": set(), "not null": set()}
    for kind, listed in _NOTE.findall(comment):
        names[kind].update(name.strip() for name in listed.split(","))
    return _Notes(frozenset(names["nullable"]), frozenset(names["not null"]))


def _check_notes(query: Query, notes: _Notes, columns: list[str]) -> None:
    """Refuse a note about nothing: it is a slip that would leave a type wrong."""
    elements = {f"{name}[]" for name in query.parameters}
    unknown = (notes.nullable - {*columns, *query.parameters, *elements}) | (
        notes.not_null - {*columns}
    )
    if unknown:
        raise QueryError(f"{query.name}: its comment names {', '.join(sorted(unknown))}")


def _check_name(query: Query, catalogue: Catalogue) -> None:
    """Refuse a name that would make two row types of one name in a module."""
    if own_row_name(query.name) in map(row_name, catalogue.tables):
        raise QueryError(f"{query.name}: {own_row_name(query.name)} is the row type of a table")


def _parameter(name: str, pg_type: str, notes: _Notes, catalogue: Catalogue) -> Field:
    nullable_elements = f"{name}[]" in notes.nullable
    found = python_type(name, pg_type, catalogue.enums, nullable_elements=nullable_elements)
    return Field(name, found.or_none(name in notes.nullable))


def _column(query: Query, attribute: Attribute, notes: _Notes, catalogue: Catalogue) -> Field:
    name, pg_type = attribute.name, attribute.type.name
    sources = _sources(query.sql, name, pg_type, catalogue)
    types = {source.type for source in sources}
    known = types.pop() if len(types) == 1 else python_type(name, pg_type, catalogue.enums)
    nullable = name in notes.nullable or (
        name not in notes.not_null
        # The value of a query without a row is None too.
        and (query.answer is Answer.VALUE or _maybe_null(query.sql, name, sources))
    )
    return Field(name, known.or_none(nullable))


def _sources(sql: str, name: str, pg_type: str, catalogue: Catalogue) -> list[_Source]:
    """Return the tables' columns that the result column ``name`` may be."""
    found = []
    for item in items(sql):
        wanted = name if item.column == "*" else item.column
        if item.name not in {name, "*"} or wanted is None:
            continue
        for mention in mentions(sql):
            table = catalogue.tables.get(mention.table)
            if table is None or item.alias not in {None, mention.alias}:
                continue
            found += [
                _Source(column_type(table, column, catalogue), column.nullable or mention.optional)
                for column in table.columns
                if (column.name, column.type) == (wanted, pg_type)
            ]
    return found


def _maybe_null(sql: str, name: str, sources: list[_Source]) -> bool:
    computed = any(item.name == name and item.column is None for item in items(sql))
    # A column of a common table expression is one of these sources further in.
    behind = {mention.alias for mention in mentions(sql) if mention.optional}
    optional = any(item.name == name and item.alias in behind for item in items(sql))
    unknown = computed or optional or not sources
    return unknown or any(source.nullable for source in sources)


def own_row_name(query_name: str) -> str:
    """Return the name of the row type made for a query alone: ``find_x`` has FindXRow."""
    return class_name(query_name, "row")


def column_type(table: Table, column: Column, catalogue: Catalogue) -> PythonType:
    """Return the type of a table's column, without regard to null."""
    name = f"{table.name}.id" if column.name == "id" else column.name
    return python_type(name, column.type, catalogue.enums)


def _same_table(
    query: Query, attributes: tuple[Attribute, ...], catalogue: Catalogue
) -> Table | None:
    """Return the table of which the result has exactly the columns, if there is one."""
    if query.answer in {Answer.VALUE, Answer.AFFECTED}:
        return None
    shape = [(attribute.name, attribute.type.name) for attribute in attributes]
    for mention in mentions(query.sql):
        table = catalogue.tables.get(mention.table)
        if table is None or mention.optional:
            continue
        if shape == [(column.name, column.type) for column in table.columns]:
            return table
    return None
