"""What the database says about its own schema: tables, columns, enums."""

from dataclasses import dataclass

from gateway.storage.connection import Connection

# In queries/ these would need the stubs that are made with them.
_COLUMNS = """
    select
        n.nspname as schema,
        c.relname as table,
        a.attname as column,
        -- An array type is named after its element with an underscore before.
        case when t.typcategory = 'A' then e.typname || '[]' else t.typname end as type,
        not a.attnotnull as nullable
    from pg_attribute a
    join pg_class c on c.oid = a.attrelid
    join pg_namespace n on n.oid = c.relnamespace
    join pg_type t on t.oid = a.atttypid
    left join pg_type e on e.oid = t.typelem
    where c.relkind in ('r', 'p')
        and not c.relispartition
        and n.nspname not in ('pg_catalog', 'information_schema')
        and n.nspname not like 'pg\\_%'
        and c.relname <> 'schema_migrations'
        and a.attnum > 0
        and not a.attisdropped
    order by n.nspname <> 'public', n.nspname, c.relname, a.attnum
"""
_ENUMS = """
    select t.typname as name, array_agg(e.enumlabel::text order by e.enumsortorder) as labels
    from pg_type t
    join pg_enum e on e.enumtypid = t.oid
    group by t.oid, t.typname
    order by t.typname
"""


@dataclass(frozen=True, slots=True)
class Column:
    """A column; ``type`` as PostgreSQL names it inside (``int8``), arrays as ``uuid[]``."""

    name: str
    type: str
    nullable: bool


@dataclass(frozen=True, slots=True)
class Table:
    """A table; ``name`` is qualified unless the schema is ``public``."""

    name: str
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Tables by name, and the labels of each enum by its name."""

    tables: dict[str, Table]
    enums: dict[str, tuple[str, ...]]


async def read_catalogue(conn: Connection) -> Catalogue:
    """Ask the database on ``conn``."""
    columns: dict[str, list[Column]] = {}
    for row in await conn.fetch(_COLUMNS):
        name = row["table"] if row["schema"] == "public" else f"{row['schema']}.{row['table']}"
        columns.setdefault(name, []).append(Column(row["column"], row["type"], row["nullable"]))
    return Catalogue(
        tables={name: Table(name, tuple(found)) for name, found in columns.items()},
        enums={row["name"]: tuple(row["labels"]) for row in await conn.fetch(_ENUMS)},
    )
