"""One example of every message's ``data``, and of every reply; a test validates them all."""

from collections.abc import Mapping
from typing import Any, Final

Example = Mapping[str, Any]

ROOM_ID: Final = "0b7d1c1e-6f0e-4a53-9d55-2f1d7c1f2a10"
ADA: Final = {"id": "6f9619ff-8b86-4011-b42d-00cf4fc964ff", "name": "Ada", "avatar_url": None}
GRACE: Final = {"id": "9b2f0a34-32a1-4a5e-8a0f-3d1f5b7c9e21", "name": "Grace", "avatar_url": None}
AT: Final = "2026-05-04T09:30:00.123456Z"

_GRACE_AWAY: Final = GRACE | {"status": "away"}
_GAME_ID: Final = "c56a4180-65aa-42ec-a945-5fd21dec0538"
_GRACE_SEEN: Final = GRACE | {"is_online": False, "last_seen": AT}
_STORY: Final = {"id": "7d444840-9dc0-41d1-b245-5ffdce74fad2", "title": "Login page"}
_DECK: Final = ["1", "2", "3", "5", "8", "?"]
_STATISTICS: Final = {
    "votes": 2,
    "average": 4.0,
    "median": 4.0,
    "minimum": 3.0,
    "maximum": 5.0,
    "consensus": False,
    "distribution": {"3": 1, "5": 1},
}
_MESSAGE_ID: Final = "d9428888-122b-41e1-b85c-61cd3cbb3210"
_REPLY_ID: Final = "1b4e28ba-2fa1-41d2-883f-0016d3cca427"
_MESSAGE: Final = {
    "id": _MESSAGE_ID,
    "seq": 42,
    "number": 17,
    "at": AT,
    "content": "Hello, everybody",
    "message_type": "text",
    "attachment": None,
    "author": ADA,
    "reply_to": None,
    "mentions": [],
    "reactions": [{"emoji": "👍", "count": 1, "users": [GRACE["id"]]}],
    "edited_at": None,
    "deleted_at": None,
}
_REPLY: Final = {
    **_MESSAGE,
    "id": _REPLY_ID,
    "seq": 43,
    "number": 18,
    "content": "Hello, Ada",
    "author": GRACE,
    "reply_to": _MESSAGE_ID,
    "reactions": [],
}
_PLACE: Final = "C30cHm8OSlOdVS8dfB8qEAAAAAAAAAAq"
_POSITION: Final = {"epoch": 1, "seq": 42}
_ROOM: Final = {
    "id": ROOM_ID,
    "name": "lobby",
    "description": None,
    "is_private": False,
    "role": "member",
    "is_archived": False,
    "read_up_to": 42,
    "muted_until": None,
}
_MY_ROOM: Final = {
    "id": ROOM_ID,
    "name": "lobby",
    "description": None,
    "is_private": False,
    "role": "member",
    "is_archived": False,
    "unread": 3,
    "mentions": 1,
    "read_up_to": 38,
    "last_seq": 42,
}
_OTHER_ROOM: Final = {
    "id": "5b0fbc2c-3f0e-4d35-8a55-9d1d7a3e4c21",
    "name": "Sprint planning",
    "description": None,
    "is_private": True,
}
_INVITATION: Final = {
    "id": "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
    "room": {**_OTHER_ROOM, "role": None},
    "by": GRACE,
    "expires_at": AT,
}
_HERE: Final = {
    "room": _ROOM,
    "position": _POSITION,
    "people": [ADA | {"status": "online"}, _GRACE_AWAY],
    "count": 2,
    "typing": [GRACE],
}

COMMAND_DATA: Final[Mapping[str, Example]] = {
    "auth": {"token": "NcYt0cM3XoVnq5T2…"},
    "ping": {"sent_at": 1777887000123.5},
    "presence.set": {"status": "away"},
    "person.get": {"user_id": GRACE["id"]},
    "person.list": {"user_ids": [ADA["id"], GRACE["id"]]},
    "auth.register": {"email": "ada@example.com", "username": "Ada", "password": "••••••••••••"},
    "auth.sign_in": {"email": "ada@example.com", "password": "••••••••••••"},
    "auth.guest": {"name": "Ada"},
    "auth.change_password": {"old_password": "••••••••••••", "new_password": "••••••••••••"},
    "auth.sign_out": {},
    "session.list": {},
    "session.end": {"id": "9c56cc51b374c3ba"},
    "session.end_others": {},
    "room.join": {"since": {"epoch": 1, "seq": 40}},
    "room.leave": {},
    "typing.start": {},
    "typing.stop": {},
    "room.update": {"name": "Lounge", "retention_days": 365},
    "room.create": {"name": "Sprint planning", "is_private": True},
    "room.list": {},
    "room.directory": {"search": "lo"},
    "room.invite_link": {"expires_in_seconds": 86400, "max_uses": 1},
    "room.invite": {"user_id": GRACE["id"]},
    "room.invitations": {},
    "room.withdraw_invitation": {"invitation_id": _INVITATION["id"]},
    "invitation.use": {"token": "NcYt0cM3XoVnq5T2…"},
    "invitation.accept": {"invitation_id": _INVITATION["id"]},
    "invitation.decline": {"invitation_id": _INVITATION["id"]},
    "inbox.open": {},
    "inbox.close": {},
    "member.leave": {},
    "member.set_role": {"user_id": GRACE["id"], "role": "moderator"},
    "member.kick": {"user_id": GRACE["id"]},
    "member.ban": {"user_id": GRACE["id"], "until": None, "reason": "Advertising"},
    "member.unban": {"user_id": GRACE["id"]},
    "member.mute": {"user_id": GRACE["id"], "until": AT},
    "chat.send": {"content": "Hello, everybody"},
    "chat.edit": {"message_id": _MESSAGE_ID, "content": "Hello, Grace"},
    "chat.delete": {"message_id": _MESSAGE_ID},
    "reaction.add": {"message_id": _MESSAGE_ID, "emoji": "👍"},
    "reaction.remove": {"message_id": _MESSAGE_ID, "emoji": "👍"},
    "chat.read": {"seq": 42},
    "chat.history": {"before": _PLACE, "limit": 100},
    "chat.search": {"q": "lunch -today"},
    "chat.get": {"message_id": _MESSAGE_ID},
    "chat.edits": {"message_id": _MESSAGE_ID},
    "chat.replies": {"message_id": _MESSAGE_ID},
    "chat.receipts": {"message_id": _MESSAGE_ID},
    "room.members": {"limit": 100},
    "room.bans": {},
    "room.export": {"after": 200},
    "poker.start": {"title": "Login page"},
    "poker.vote": {"card": "5", "story_id": _STORY["id"]},
    "poker.reveal": {"story_id": _STORY["id"]},
}

REPLIES: Final[Mapping[str, Example]] = {
    "AuthOk": {"user": ADA},
    "PingOk": {"sent_at": 1777887000123.5, "server_time_ms": 1777887000140.25},
    "PersonView": _GRACE_SEEN,
    "PeopleView": {"people": [ADA | {"is_online": True, "last_seen": AT}, _GRACE_SEEN]},
    "SignedInOk": {
        "user": ADA,
        "is_guest": True,
        "token": "NcYt0cM3XoVnq5T2…",
        "expires_at": AT,
    },
    "SessionsListed": {
        "sessions": [
            {
                "id": "b5bb9d8014a0f9b1",
                "created_at": AT,
                "expires_at": "2026-05-05T09:30:00.123456Z",
                "address": "192.0.2.7",
                "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:138.0) Firefox/138.0",
                "current": True,
            }
        ]
    },
    "SessionsEnded": {"ended": 1},
    "Committed": {"seq": 42, "at": AT},
    "RoomView": {**_OTHER_ROOM, "role": "admin"},
    "MyRooms": {"rooms": [_MY_ROOM]},
    "DirectoryPage": {
        "rooms": [{"id": ROOM_ID, "name": "lobby", "description": None}],
        "next": None,
    },
    "Invitation": {
        "id": "9c56cc51-b374-c3ba-189a-4bb5a9d5b2e1",
        "token": "NcYt0cM3XoVnq5T2…",
        "expires_at": AT,
        "max_uses": 1,
    },
    "OpenInvitations": {
        "people": [
            {
                "id": _INVITATION["id"],
                "user": ADA,
                "by": GRACE,
                "created_at": AT,
                "expires_at": AT,
            }
        ],
        "links": [
            {
                "id": "9c56cc51-b374-c3ba-189a-4bb5a9d5b2e1",
                "by": GRACE,
                "created_at": AT,
                "expires_at": AT,
                "max_uses": 10,
                "uses": 3,
            }
        ],
    },
    "PersonalInvitation": _INVITATION,
    "InboxState": {"rooms": [_MY_ROOM], "invitations": [_INVITATION]},
    "UpToDate": {"resume": "up_to_date", **_HERE},
    "Replay": {"resume": "replay", **_HERE},
    "RoomState": {
        "resume": "snapshot",
        **_HERE,
        "chat": {
            "messages": [_MESSAGE],
            "has_more": False,
        },
        "poker": {
            "game_id": _GAME_ID,
            "name": "lobby",
            "deck": _DECK,
            "host": ADA,
            "story": _STORY,
            "voted": [GRACE],
            "your_card": None,
            "votes": None,
            "statistics": None,
        },
    },
    "MessagePage": {"messages": [_MESSAGE, _REPLY], "previous": _PLACE, "next": None},
    "FoundPage": {"messages": [_REPLY, _MESSAGE], "next": None},
    "MessageView": _MESSAGE,
    "EditHistory": {"edits": [{"content": "Hello", "replaced_at": AT, "seq": 45}]},
    "RepliesPage": {"messages": [_REPLY], "next": None},
    "Receipts": {"receipts": [{"user": GRACE, "read_at": AT}]},
    "MemberPage": {
        "members": [
            {
                "user": ADA,
                "role": "admin",
                "joined_at": AT,
                "muted_until": None,
                "read_up_to": 42,
            }
        ],
        "next": None,
    },
    "ExportPage": {
        "lines": ['{"type":"member.left","room":"…","seq":201,"at":"…","data":{…}}'],
        "next": None,
    },
    "BanPage": {
        "bans": [
            {
                "user": GRACE,
                "until": None,
                "reason": "Advertising",
                "banned_by": ADA,
                "at": AT,
            }
        ],
        "next": None,
    },
}

EVENT_DATA: Final[Mapping[str, Example]] = {
    "member.joined": {"user": GRACE, "role": "member", "muted_until": None},
    "presence.changed": {
        "joined": [ADA | {"status": "online"}],
        "left": [],
        "changed": [_GRACE_AWAY],
        "count": 2,
        "reset": False,
    },
    "typing.changed": {"users": [GRACE]},
    "room.updated": {
        "name": "Lounge",
        "description": None,
        "is_archived": False,
        "retention_days": 365,
    },
    "member.left": {"user": GRACE, "reason": "kicked"},
    "member.role_changed": {"user": GRACE, "role": "moderator"},
    "member.banned": {"user": GRACE, "until": None, "reason": "Advertising"},
    "member.unbanned": {"user": GRACE},
    "member.muted": {"user": GRACE, "until": AT},
    "chat.message": {
        "id": _MESSAGE_ID,
        "number": 17,
        "content": "Hello, everybody",
        "message_type": "text",
        "attachment": None,
        "author": ADA,
        "reply_to": None,
        "mentions": [],
    },
    "chat.edited": {"message_id": _MESSAGE_ID, "content": "Hello, Grace", "mentions": []},
    "chat.deleted": {"message_id": _MESSAGE_ID},
    "reaction.added": {"message_id": _MESSAGE_ID, "emoji": "👍"},
    "reaction.removed": {"message_id": _MESSAGE_ID, "emoji": "👍"},
    "chat.marked": {"up_to": 42},
    "poker.started": {
        "game_id": _GAME_ID,
        "name": "lobby",
        "deck": _DECK,
        "host": ADA,
        "story": _STORY,
    },
    "poker.voted": {"game_id": _GAME_ID, "story_id": _STORY["id"], "player": GRACE, "voted": 1},
    "poker.revealed": {
        "game_id": _GAME_ID,
        "story_id": _STORY["id"],
        "votes": [{"player": ADA, "card": "3"}, {"player": GRACE, "card": "5"}],
        "statistics": _STATISTICS,
    },
}

NOTICE_DATA: Final[Mapping[str, Example]] = {
    "welcome": {
        "connection": "x3Jq0ZtL5mB1",
        "instance": "4c037da37198",
        "user": ADA,
        "auth_within_seconds": 10.0,
        "heartbeat_seconds": 25.0,
        "server_time_ms": 1777887000140.25,
        "limits": {"max_message_bytes": 65536, "max_rooms": 100, "commands_per_second": 50.0},
    },
    "error": {
        "error": {
            "code": "bad_json",
            "message": "This is not JSON: EOF while parsing a value at line 1 column 0.",
            "retryable": False,
        }
    },
    "draining": {"reconnect_in_ms": 1800},
    "room.closed": {"room": ROOM_ID},
    "inbox.changed": {"rooms": [_MY_ROOM], "gone": [_OTHER_ROOM["id"]], "invitations": None},
    "behind": {"room": ROOM_ID, "people": [_GRACE_AWAY], "count": 1, "typing": []},
}
