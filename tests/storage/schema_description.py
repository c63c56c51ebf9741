"""A schema as text: one line for each column, constraint, index and enum."""

from gateway.storage.connection import Connection

_COLUMNS = """
    select
        c.oid::regclass::text as table,
        concat_ws(
            ' ', a.attname, format_type(a.atttypid, a.atttypmod),
            case when a.attnotnull then 'not null' end,
            'default ' || pg_get_expr(d.adbin, d.adrelid)
        ) as line
    from pg_class c
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
    where c.relkind = 'r' and c.relnamespace in ('public'::regnamespace, to_regnamespace('poker'))
    order by a.attnum
"""
# PostgreSQL 18 lists "not null" among the constraints (contype n), the ones before do not.
_CONSTRAINTS = """
    select conrelid::regclass::text as table, pg_get_constraintdef(oid) as line
    from pg_constraint
    where connamespace in ('public'::regnamespace, to_regnamespace('poker')) and contype <> 'n'
    order by array_position('{p,u,c,f}'::text[], contype::text), 2
"""
_INDEXES = """
    select i.indrelid::regclass::text as table, pg_get_indexdef(i.indexrelid) as line
    from pg_index i
    join pg_class c on c.oid = i.indexrelid
    where c.relnamespace in ('public'::regnamespace, to_regnamespace('poker'))
        and not exists (select from pg_constraint k where k.conindid = i.indexrelid
                        and k.contype in ('p', 'u'))
    order by c.relname
"""
_ENUMS = """
    select t.typname as table, string_agg(e.enumlabel, ', ' order by e.enumsortorder) as line
    from pg_type t join pg_enum e on e.enumtypid = t.oid
    group by t.typname
"""


async def describe(conn: Connection) -> str:
    """Return the whole schema but the migrations' own table, in alphabetical order."""
    found: dict[str, list[str]] = {}
    for query in (_COLUMNS, _CONSTRAINTS, _INDEXES, _ENUMS):
        for row in await conn.fetch(query):
            found.setdefault(row["table"], []).append(row["line"])
    found.pop("schema_migrations", None)
    return "\n".join(
        "\n    ".join([table, *lines]) + "\n" for table, lines in sorted(found.items())
    )
