-- name: ping()$
-- Touches no table: only whether the server answers.
-- not null: ping
select 1 as ping;

-- name: limit_silence(milliseconds)$
-- The server ends this transaction, and its connection, when it hears nothing for
-- so long. For this transaction only: PgBouncer would hand a session's on to others.
-- not null: limit_silence
select set_config('idle_in_transaction_session_timeout', :milliseconds, true) as limit_silence;

-- name: connection_budget()<!
-- reserved_connections came with PostgreSQL 16; missing, it is nobody's.
-- not null: max_connections, reserved
select
    current_setting('max_connections')::int as max_connections,
    current_setting('superuser_reserved_connections')::int
        + coalesce(current_setting('reserved_connections', true), '0')::int as reserved;
