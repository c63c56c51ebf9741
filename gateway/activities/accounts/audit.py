"""What people did with their accounts, written to the audit trail."""

from gateway.core.ids import UserId
from gateway.storage.connection import Connection
from gateway.storage.generated import audit as audit_queries


async def record(
    conn: Connection, action: str, user_id: UserId | None, **details: str | int
) -> None:
    """Write to the audit trail. No password and no token is ever among the details."""
    person = str(user_id) if user_id else None
    await audit_queries.record_action(
        conn,
        action=action,
        entity_type="user",
        entity_id=person,
        user_id=person,
        details=details,
    )
