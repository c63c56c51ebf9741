from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.core.errors import MigrationError
from gateway.storage.migration_files import create_migration, read_migrations

NAME = "20261121090000_first.sql"


def test_a_file_is_read_in_both_directions(tmp_path: Path) -> None:
    """Each direction has its SQL, its place in the file and whether it wants a transaction."""
    (tmp_path / NAME).write_text(
        "-- migrate:up transaction:false\ncreate index concurrently a on t (b);\n"
        "\n-- migrate:down\ndrop index a;\n"
    )
    [migration] = read_migrations(tmp_path)
    assert migration.name == "20261121090000_first"
    assert migration.up.sql.strip() == "create index concurrently a on t (b);"
    assert not migration.up.in_transaction
    assert migration.down.sql.strip() == "drop index a;"
    assert migration.down.in_transaction
    assert (migration.up.first_line, migration.down.first_line) == (1, 4)


def test_files_come_in_the_order_of_their_names(tmp_path: Path) -> None:
    """The time in the name is the order, whatever the folder says."""
    names = ["20261121090100_b.sql", "20261121090000_z.sql", "20261121090200_a.sql"]
    for name in names:
        (tmp_path / name).write_text("-- migrate:up\n-- migrate:down\n")
    assert [f"{migration.name}.sql" for migration in read_migrations(tmp_path)] == sorted(names)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("first.sql", b"-- migrate:up\n-- migrate:down\n", "not named as a migration"),
        (NAME, b"create table t ();", "needs one line '-- migrate:up'"),
        (NAME, b"-- migrate:down\n-- migrate:up\n", "needs one line '-- migrate:up'"),
        (NAME, b"-- migrate:up\n-- migrate:up\n-- migrate:down\n", "needs one line"),
        (NAME, b"-- migrate:up\n\xff\n-- migrate:down\n", "not UTF-8"),
    ],
)
def test_a_wrong_file_is_named_with_the_reason(
    tmp_path: Path, name: str, content: bytes, reason: str
) -> None:
    """Whoever wrote the file learns which one it is and what is wrong."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(MigrationError, match=reason) as refused:
        read_migrations(tmp_path)
    assert name in str(refused.value)


def test_a_created_file_has_time_and_name_and_can_be_read(tmp_path: Path) -> None:
    """The template is a migration that does nothing."""
    path = create_migration("Add room-topics", datetime(2026, 11, 21, 9, 5, tzinfo=UTC), tmp_path)
    assert path.name == "20261121090500_add_room_topics.sql"
    assert [migration.name for migration in read_migrations(tmp_path)] == [path.stem]


def test_a_created_file_replaces_none(tmp_path: Path) -> None:
    """Two files of one second and name are a mistake, not an overwrite."""
    now = datetime(2026, 11, 21, tzinfo=UTC)
    create_migration("topics", now, tmp_path)
    with pytest.raises(MigrationError, match=r"20261121000000_topics\.sql"):
        create_migration("topics", now, tmp_path)


def test_a_name_without_letters_is_refused(tmp_path: Path) -> None:
    """A file name must say something."""
    with pytest.raises(MigrationError, match="cannot name"):
        create_migration("../..", datetime(2026, 11, 21, tzinfo=UTC), tmp_path)


def test_the_project_has_migrations_with_both_directions() -> None:
    """Every migration of the project says how to take it back."""
    migrations = read_migrations()
    assert migrations
    assert all(migration.down.sql.strip() for migration in migrations)
