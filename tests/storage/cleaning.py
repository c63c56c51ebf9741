"""Databases that serve one test after the other, and forget each.

A database for each test would cost more than the test does.
"""

from typing import Final

import asyncpg

_END_OTHERS: Final = """
    select pg_terminate_backend(pid, 10000) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid();
"""
# Nobody else is in there when a test ends: nothing stays of a connection that was left open.

_EMPTY_TABLES: Final = """
    set session_replication_role = replica;
    do $$
    declare
        command text;
    begin
        for command in
            select format('delete from %I.%I', schemaname, tablename) from pg_tables
            where schemaname in ('public', 'poker') and tablename <> 'schema_migrations'
            union all
            select format('select setval(''%I.%I'', 1, false)', schemaname, sequencename)
            from pg_sequences where last_value is not null
        loop
            execute command;
        end loop;
    end
    $$;
"""
# As a replica, the session need not care which table refers to which.

_KEEP_SCHEMA: Final = """
    create schema guard;
    create function guard.refuse() returns event_trigger language plpgsql as $$
    begin
        raise 'other tests use this schema; change that of the fixture "empty"';
    end
    $$;
    create event trigger keep_schema on ddl_command_start execute function guard.refuse();
"""

_DROP_SCHEMAS: Final = """
    do $$
    declare
        schema text;
    begin
        for schema in
            select quote_ident(nspname) from pg_namespace
            where nspname !~ '^pg_' and nspname <> 'information_schema'
        loop
            execute format('drop schema %s cascade', schema);
        end loop;
    end
    $$;
    create schema public;
"""


async def empty_tables(url: str) -> None:
    """Delete every row, but those that say which migrations have run."""
    await _clean(url, _EMPTY_TABLES)


async def drop_schemas(url: str) -> None:
    """Drop everything."""
    await _clean(url, _DROP_SCHEMAS)


async def keep_schema(url: str) -> None:
    """Have the database refuse any change of its schema from now on."""
    await _clean(url, _KEEP_SCHEMA)


async def _clean(url: str, command: str) -> None:
    conn = await asyncpg.connect(url)
    try:
        await conn.execute(_END_OTHERS)
        await conn.execute(command)
    finally:
        await conn.close()
