"""PostgreSQL: the pool, typed named queries, repositories, migrations."""
