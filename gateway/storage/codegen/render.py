"""Write the generated modules, in the form the formatter leaves alone."""

from collections.abc import Iterable

from gateway.storage.codegen.catalogue import Catalogue, Table
from gateway.storage.codegen.python_types import class_name, imports_of, row_name
from gateway.storage.codegen.stubs import Field, Stub, column_type
from gateway.storage.sql import Answer

_NOTICE = "Generated from the live schema by `gateway types`; not to be edited."


def render_tables(catalogue: Catalogue) -> str:
    """Return the module with a row type for every table and a type for every enum."""
    enums = [
        f"{class_name(name)}: TypeAlias = Literal[\n"
        + "".join(f'    "{label}",\n' for label in labels)
        + "]"
        for name, labels in catalogue.enums.items()
    ]
    rows = [_row_of_table(table, catalogue) for table in catalogue.tables.values()]
    body = "\n".join(enums) + "\n\n\n" + "\n\n\n".join(rows) + "\n"
    imports = [
        "from dataclasses import dataclass",
        "from typing import Literal, TypeAlias",
        *imports_of(body),
    ]
    return _module("Row types of all tables.", imports, body)


def render_queries(subject: str, stubs: Iterable[Stub], catalogue: Catalogue) -> str:
    """Return the module with a typed function for every query of ``queries/<subject>.sql``."""
    stubs = list(stubs)
    rows = [_dataclass(_own_row(stub), "", stub.columns) for stub in stubs if _has_own_row(stub)]
    body = "\n\n\n".join([*rows, *(_function(stub) for stub in stubs)]) + "\n"
    imports = [*imports_of(body), *_own_imports(body, stubs, catalogue)]
    return _module(
        f"Typed functions for queries/{subject}.sql.",
        imports,
        f'_SQL: Final = sql_of("{subject}")\n\n\n{body}',
    )


def _module(title: str, imports: Iterable[str], body: str) -> str:
    return f'"""{title}\n\n{_NOTICE}\n"""\n\n{_sorted(imports)}\n\n{body}'


def _sorted(imports: Iterable[str]) -> str:
    """Return the import lines with the names of one module joined, our own after the others."""
    names: dict[str, set[str]] = {}
    for line in imports:
        module, _import, imported = line.removeprefix("from ").partition(" import ")
        names.setdefault(module, set()).update(imported.split(", "))
    lines = {
        module: f"from {module} import {', '.join(sorted(found, key=_import_order))}"
        for module, found in sorted(names.items())
    }
    ours = [line for module, line in lines.items() if module.startswith("gateway")]
    others = [line for module, line in lines.items() if not module.startswith("gateway")]
    return "\n".join([*others, *([""] if others and ours else []), *ours, ""])


def _import_order(name: str) -> tuple[bool, str]:
    """Classes before functions, as the linter sorts them."""
    return name[0].islower(), name


def _own_imports(body: str, stubs: Iterable[Stub], catalogue: Catalogue) -> list[str]:
    helpers = ["sql_of", *(["affected_rows"] if "affected_rows(" in body else [])]
    tables = {stub.row for stub in stubs if stub.row}
    tables |= {class_name(name) for name in catalogue.enums if f"{class_name(name)}" in body}
    return [
        "from typing import Final",
        "from gateway.storage.connection import Connection",
        f"from gateway.storage.sql import {', '.join(helpers)}",
        *(["from dataclasses import dataclass"] if "@dataclass" in body else []),
        *(["from gateway.storage.sql import the_row"] if "the_row(" in body else []),
        *(f"from gateway.storage.generated.tables import {name}" for name in sorted(tables)),
    ]


def _row_of_table(table: Table, catalogue: Catalogue) -> str:
    fields = [
        Field(column.name, column_type(table, column, catalogue).or_none(column.nullable))
        for column in table.columns
    ]
    return _dataclass(row_name(table.name), f"A row of {table.name}.", fields)


def _dataclass(name: str, doc: str, fields: Iterable[Field]) -> str:
    lines = [
        "@dataclass(frozen=True, slots=True)",
        f"class {name}:",
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
    return class_name(stub.query.name, "row")


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
