"""Row types of all tables.

Generated from the live schema by `gateway types`; not to be edited.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NamedTuple, TypeAlias
from uuid import UUID

from gateway.core.ids import MessageId, RoomId, Seq, SessionId, UserId
from gateway.storage.connection import Json

SyncMode: TypeAlias = Literal[
    "per_participant",
    "per_cycle",
    "per_group",
    "global",
    "count_up",
]
SyncStatus: TypeAlias = Literal[
    "pending",
    "running",
    "paused",
    "expired",
    "completed",
    "cancelled",
]


class AuditLogRow(NamedTuple):
    """A row of audit_log."""

    id: int
    action: str
    entity_type: str | None
    entity_id: str | None
    user_id: str | None
    timestamp: datetime
    details: Json


class MessageEditRow(NamedTuple):
    """A row of message_edits."""

    message_id: MessageId
    seq: Seq
    content: str
    edited_at: datetime


class MessageMentionRow(NamedTuple):
    """A row of message_mentions."""

    user_id: UserId
    room_id: RoomId
    seq: Seq
    message_id: MessageId


class MessageReactionRow(NamedTuple):
    """A row of message_reactions."""

    message_id: MessageId
    user_id: UserId
    emoji: str
    created_at: datetime


class MessageReadReceiptRow(NamedTuple):
    """A row of message_read_receipts."""

    message_id: MessageId
    user_id: UserId
    read_at: datetime
    room_id: RoomId
    seq: Seq


class MessageRow(NamedTuple):
    """A row of messages."""

    id: MessageId
    room_id: RoomId
    user_id: UserId | None
    content: str
    message_type: str
    is_edited: bool
    seq: Seq
    reply_to: MessageId | None
    deleted_at: datetime | None
    created_at: datetime
    updated_at: datetime
    number: int
    attachment: Json | None
    mentions: Sequence[UserId]
    edited_at: datetime | None
    search: str | None


class PersonalInvitationRow(NamedTuple):
    """A row of personal_invitations."""

    id: UUID
    room_id: RoomId
    user_id: UserId
    invited_by: UUID | None
    expires_at: datetime
    created_at: datetime


class RoomBanRow(NamedTuple):
    """A row of room_bans."""

    room_id: RoomId
    user_id: UserId
    banned_by: UserId | None
    reason: str | None
    until: datetime | None
    created_at: datetime


class RoomEventRow(NamedTuple):
    """A row of room_events."""

    room_id: RoomId
    seq: Seq
    type: str
    actor: UserId | None
    key: str | None
    payload: str
    created_at: datetime


class RoomInvitationRow(NamedTuple):
    """A row of room_invitations."""

    token_hash: str
    room_id: RoomId
    created_by: UserId
    expires_at: datetime
    max_uses: int | None
    uses: int
    created_at: datetime


class RoomMuteRow(NamedTuple):
    """A row of room_mutes."""

    room_id: RoomId
    user_id: UserId
    until: datetime


class RoomUserRow(NamedTuple):
    """A row of room_users."""

    room_id: RoomId
    user_id: UserId
    role: str
    last_read_message_id: MessageId | None
    read_count: int
    muted_until: datetime | None
    joined_at: datetime
    last_read_seq: int


class RoomRow(NamedTuple):
    """A row of rooms."""

    id: RoomId
    name: str
    description: str | None
    is_private: bool
    is_archived: bool
    created_by: UserId | None
    last_seq: Seq
    epoch: int
    message_count: int
    created_at: datetime
    updated_at: datetime
    retention_days: int | None
    log_start: Seq
    forgotten_count: int


class SessionRow(NamedTuple):
    """A row of sessions."""

    sid: SessionId
    sess: Json
    expire: datetime


class SyncEventRow(NamedTuple):
    """A row of sync_events."""

    id: UUID
    session_id: UUID
    version: int
    event_type: str
    participant_id: UUID | None
    group_id: UUID | None
    time_remaining_ms: int | None
    time_elapsed_ms: int | None
    cycle_number: int | None
    timestamp: datetime
    state_snapshot: Json | None
    metadata: Json


class SyncParticipantRow(NamedTuple):
    """A row of sync_participants."""

    id: UUID
    session_id: UUID
    participant_id: UUID
    group_id: UUID | None
    total_time_ms: int | None
    total_cycles: int
    total_time_active_ms: int
    added_at: datetime
    first_active_at: datetime | None
    last_active_at: datetime | None
    metadata: Json


class SyncSessionRow(NamedTuple):
    """A row of sync_sessions."""

    session_id: UUID
    room_id: RoomId | None
    sync_mode: SyncMode
    time_per_cycle_ms: int | None
    increment_ms: int
    max_time_ms: int | None
    final_status: SyncStatus | None
    total_cycles: int
    total_participants: int
    version: int
    metadata: Json
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    last_updated_at: datetime


class UserConnectionRow(NamedTuple):
    """A row of user_connections."""

    user_id: UserId
    instance_id: str


class UserRow(NamedTuple):
    """A row of users."""

    id: UserId
    email: str | None
    username: str
    password_hash: str | None
    avatar_url: str | None
    is_guest: bool
    is_online: bool
    last_seen: datetime
    created_at: datetime
    updated_at: datetime
    external_id: str | None


class PokerPlayerRow(NamedTuple):
    """A row of poker.players."""

    id: UUID
    session_id: UUID
    user_id: UserId | None
    name: str
    avatar: str | None
    is_spectator: bool
    is_active: bool
    joined_at: datetime
    last_seen_at: datetime


class PokerRoundRow(NamedTuple):
    """A row of poker.rounds."""

    id: UUID
    story_id: UUID
    session_id: UUID
    round_number: int
    votes: Json
    statistics: Json
    started_at: datetime
    revealed_at: datetime


class PokerSessionRow(NamedTuple):
    """A row of poker.sessions."""

    id: UUID
    room_id: RoomId
    name: str
    password_hash: str | None
    host_id: UserId | None
    current_story_id: UUID | None
    config: Json
    is_active: bool
    created_at: datetime
    updated_at: datetime
    expires_at: datetime


class PokerStoryRow(NamedTuple):
    """A row of poker.stories."""

    id: UUID
    session_id: UUID
    title: str
    description: str | None
    final_estimate: str | None
    order_index: int
    is_active: bool
    created_at: datetime
    completed_at: datetime | None


class PokerVoteRow(NamedTuple):
    """A row of poker.votes."""

    id: UUID
    story_id: UUID
    player_id: UUID
    session_id: UUID
    value: str
    confidence: int | None
    created_at: datetime
