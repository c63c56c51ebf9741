-- name: ping()$
-- Touches no table: only whether the server answers.
-- not null: ping
select 1 as ping;

-- name: connection_budget()<!
-- reserved_connections came with PostgreSQL 16; missing, it is nobody's.
-- not null: max_connections, reserved
select
    current_setting('max_connections')::int as max_connections,
    current_setting('superuser_reserved_connections')::int
        + coalesce(current_setting('reserved_connections', true), '0')::int as reserved;
