"""Who may do what to whom in a room (pure)."""

from typing import Final

from gateway.core.errors import Forbidden, LastAdmin

_RANKS: Final = {"member": 0, "moderator": 1, "admin": 2}


def require_admin(role: str) -> None:
    """Raise ``Forbidden`` for anybody but an admin."""
    if role != "admin":
        raise Forbidden("Only an admin of this room may do that.")


def require_moderation(role: str, target_role: str | None) -> None:
    """Raise ``Forbidden`` where one may not moderate the other (``None``: not a member).

    An admin anybody, a moderator those who are less than that.
    """
    if role == "admin":
        return
    if role != "moderator" or _RANKS.get(target_role or "member", 0) >= _RANKS[role]:
        raise Forbidden("An admin may do that, and a moderator to plain members.")


def require_another_admin(role: str | None, admins: int) -> None:
    """Raise ``LastAdmin`` where somebody of that role cannot be spared as one of so many admins."""
    if role == "admin" and admins == 1:
        raise LastAdmin("You are the only admin of this room: make somebody else admin first.")


def may_invite(role: str | None) -> bool:
    """Whether somebody of that role may invite people into the room."""
    return role in {"admin", "moderator"}


def require_inviter(role: str | None) -> None:
    """Raise ``Forbidden`` for who may not invite people into the room."""
    if not may_invite(role):
        raise Forbidden("Only admins and moderators of a room may invite into it.")
