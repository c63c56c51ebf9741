"""The list of everything that can be done in a room. An activity is an entry here."""

from collections.abc import Callable, Mapping

from gateway.activities.activity import Activity, Handler, Plan
from gateway.activities.chat.handlers import CHAT
from gateway.activities.poker.playing import POKER
from gateway.activities.rooms.handlers import Arrivals, BecomeMember
from gateway.activities.rooms.invitations import AcceptInvitation, accept_invitation

ROOMS = Activity(
    name="rooms",
    handlers={AcceptInvitation: accept_invitation},
    plans={BecomeMember: Arrivals},
)

ACTIVITIES: tuple[Activity, ...] = (ROOMS, CHAT, POKER)

HANDLERS: Mapping[type, Handler] = {
    command: handler for activity in ACTIVITIES for command, handler in activity.handlers.items()
}

PLANS: Mapping[type, Callable[[], Plan]] = {
    command: plan for activity in ACTIVITIES for command, plan in activity.plans.items()
}

if len(HANDLERS.keys() | PLANS.keys()) != sum(len(a.handlers) + len(a.plans) for a in ACTIVITIES):
    raise TypeError("A command has a handler or a plan, and one of them.")
