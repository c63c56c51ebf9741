"""The list of everything that can be done in a room. An activity is an entry here."""

from collections.abc import Callable, Mapping

from gateway.activities.activity import Activity, Handler, Plan
from gateway.activities.chat.handlers import CHAT
from gateway.activities.poker.playing import POKER
from gateway.activities.rooms import moderation
from gateway.activities.rooms.handlers import Arrivals, BecomeMember
from gateway.activities.rooms.invitations import (
    AcceptInvitation,
    AcceptPersonalInvitation,
    accept_invitation,
    accept_personal_invitation,
)
from gateway.activities.rooms.messages import (
    MemberBan,
    MemberKick,
    MemberLeave,
    MemberMute,
    MemberSetRole,
    MemberUnban,
    RoomUpdate,
)
from gateway.activities.rooms.updating import update_room

ROOMS = Activity(
    name="rooms",
    handlers={
        AcceptInvitation: accept_invitation,
        AcceptPersonalInvitation: accept_personal_invitation,
        RoomUpdate: update_room,
        MemberLeave: moderation.leave,
        MemberSetRole: moderation.set_role,
        MemberKick: moderation.kick,
        MemberBan: moderation.ban,
        MemberUnban: moderation.unban,
        MemberMute: moderation.mute,
    },
    plans={BecomeMember: Arrivals},
    in_archive=(
        RoomUpdate,
        MemberLeave,
        BecomeMember,
        AcceptInvitation,
        AcceptPersonalInvitation,
    ),
)

ACTIVITIES: tuple[Activity, ...] = (ROOMS, CHAT, POKER)

HANDLERS: Mapping[type, Handler] = {
    command: handler for activity in ACTIVITIES for command, handler in activity.handlers.items()
}

PLANS: Mapping[type, Callable[[], Plan]] = {
    command: plan for activity in ACTIVITIES for command, plan in activity.plans.items()
}

IN_ARCHIVE = frozenset(command for activity in ACTIVITIES for command in activity.in_archive)

if len(HANDLERS.keys() | PLANS.keys()) != sum(len(a.handlers) + len(a.plans) for a in ACTIVITIES):
    raise TypeError("A command has a handler or a plan, and one of them.")
