"""Write the generated modules, in the form the formatter leaves alone."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from gateway.storage.codegen.catalogue import Catalogue, Table
from gateway.storage.codegen.python_types import HOMES, class_name, row_name
from gateway.storage.codegen.stubs import Field, Stub, column_type, own_row_name
from gateway.storage.sql import Answer

_NOTICE = "Generated from the live schema by `gateway types`; not to be edited."


_HOMES: Final = {
    **HOMES,
    "Connection": "gateway.storage.connection",
    "Final": "typing",
    "Literal": "typing",
    "NamedTuple": "typing",
    "TypeAlias": "typing",
    "affected_rows": "gateway.storage.sql",
    "sql_of": "gateway.storage.sql",
    "the_row": "gateway.storage.sql",
}
_TABLES: Final = "gateway.storage.generated.tables"
_LINE_LENGTH: Final = 100


def render_tables(catalogue: Catalogue) -> str:
    """Return the module with a row type for every table and a type for every enum."""
    enums = [_enum(name, labels) for name, labels in catalogue.enums.items()]
    rows = [_row_of_table(table, catalogue) for table in catalogue.tables.values()]
    body = "\n\n\n".join(["\n".join(enums), *rows])
    return _module("Row types of all tables.", body, _HOMES)


def render_queries(subject: str, stubs: Sequence[Stub], catalogue: Catalogue) -> str:
    """Return the module with a typed function for every query of ``queries/<subject>.sql``."""
    rows = [_row_class(_own_row(stub), "", stub.columns) for stub in stubs if _has_own_row(stub)]
    functions = [_function(stub) for stub in stubs]
    body = "\n\n\n".join([f'_SQL: Final = sql_of("{subject}")', *rows, *functions])
    tables = {row_name(name): _TABLES for name in catalogue.tables}
    enums = {class_name(name): _TABLES for name in catalogue.enums}
    return _module(f"Typed functions for queries/{subject}.sql.", body, _HOMES | tables | enums)


def _module(title: str, body: str, homes: Mapping[str, str]) -> str:
    return f'"""{title}\n\n{_NOTICE}\n"""\n\n{_imports(body, homes)}\n\n{body}\n'


def _imports(body: str, homes: Mapping[str, str]) -> str:
    """Return the imports of those names of ``homes`` that stand in ``body``, ours at the end."""
    modules: dict[str, list[str]] = {}
    # Classes before functions, as the linter sorts them.
    for name in sorted(homes, key=lambda name: (name[0].islower(), name)):
        if re.search(rf"\b{name}\b", body):
            modules.setdefault(homes[name], []).append(name)
    ours = [module for module in sorted(modules) if module.startswith("gateway.")]
    others = [module for module in sorted(modules) if module not in ours]
    groups = [[_import(module, modules[module]) for module in group] for group in (others, ours)]
    return "\n\n".join("\n".join(group) for group in groups if group)


def _import(module: str, names: Sequence[str]) -> str:
    line = f"from {module} import {', '.join(names)}"
    if len(line) <= _LINE_LENGTH:
        return line
    return f"from {module} import (\n" + "".join(f"    {name},\n" for name in names) + ")"


def _enum(name: str, labels: Sequence[str]) -> str:
    lines = "".join(f'    "{label}",\n' for label in labels)
    return f"{class_name(name)}: TypeAlias = Literal[\n{lines}]"


def _row_of_table(table: Table, catalogue: Catalogue) -> str:
    fields = [
        Field(column.name, column_type(table, column, catalogue).or_none(column.nullable))
        for column in table.columns
    ]
    return _row_class(row_name(table.name), f"A row of {table.name}.", fields)


def _row_class(name: str, doc: str, fields: Iterable[Field]) -> str:
    lines = [
        f"class {name}(NamedTuple):",
        *([f'    """{doc}"""', ""] if doc else []),
        *(f"    {field.name}: {field.type.text}" for field in fields),
    ]
    return "\n".join(lines)


def _has_own_row(stub: Stub) -> bool:
    rows = stub.query.answer in {Answer.ROWS, Answer.ROW_OR_NONE, Answer.ROW}
    return rows and stub.row is None and not _is_value(stub)


def _is_value(stub: Stub) -> bool:
    """One column is returned as itself, except where ``None`` would mean two things."""
    return len(stub.columns) == 1 and stub.query.answer is not Answer.ROW_OR_NONE


def _own_row(stub: Stub) -> str:
    return own_row_name(stub.query.name)


def _function(stub: Stub) -> str:
    returns, body = _body(stub)
    doc = stub.doc.replace("\\", "\\\\")
    lines = [_signature(stub, returns), *_docstring(doc), *body]
    return "\n".join(lines)


def _signature(stub: Stub, returns: str) -> str:
    if not stub.parameters:
        return f"async def {stub.query.name}(conn: Connection) -> {returns}:"
    parameters = "".join(f"    {field.name}: {field.type.text},\n" for field in stub.parameters)
    head = f"async def {stub.query.name}(\n    conn: Connection,\n    *,\n"
    return f"{head}{parameters}) -> {returns}:"


def _docstring(doc: str) -> list[str]:
    first, *rest = doc.splitlines()
    if not rest:
        return [f'    """{first}"""']
    return [f'    """{first}', *(f"    {line}".rstrip() for line in rest), '    """']


def _body(stub: Stub) -> tuple[str, list[str]]:
    """Return the function's return type and the lines of its body."""
    row = stub.row or _own_row(stub)
    match stub.query.answer:
        case Answer.AFFECTED:
            return "int", [_answer(stub, "execute"), "    return affected_rows(answer)"]
        case Answer.VALUE:
            value = stub.columns[0].type
            return value.text, [_answer(stub, "fetchval", value.text), "    return answer"]
        case Answer.ROWS if _is_value(stub):
            value = stub.columns[0].type
            result = "    return [record[0] for record in answer]"
            return f"list[{value.text}]", [_answer(stub, "fetch"), result]
        case Answer.ROWS:
            result = f"    return [{row}(*record) for record in answer]"
            return f"list[{row}]", [_answer(stub, "fetch"), result]
        case Answer.ROW_OR_NONE:
            result = f"    return None if answer is None else {row}(*answer)"
            return f"{row} | None", [_answer(stub, "fetchrow"), result]
        case Answer.ROW if _is_value(stub):
            value = stub.columns[0].type
            result = f"    first: {value.text} = the_row(answer)[0]"
            return value.text, [_answer(stub, "fetchrow"), result, "    return first"]
        case Answer.ROW:
            result = f"    return {row}(*the_row(answer))"
            return row, [_answer(stub, "fetchrow"), result]


def _answer(stub: Stub, method: str, annotation: str = "") -> str:
    """Return the statement that calls the driver and keeps its ``answer``."""
    name = f"answer: {annotation}" if annotation else "answer"
    return f"    {name} = {_call(stub, method)}"


def _call(stub: Stub, method: str) -> str:
    sql = f'_SQL["{stub.query.name}"]'
    if not stub.parameters:
        return f"await conn.{method}({sql})"
    # The parameters stand in the order of their numbers in the SQL.
    arguments = "".join(f"        {name},\n" for name in stub.query.parameters)
    return f"await conn.{method}(\n        {sql},\n{arguments}    )"
