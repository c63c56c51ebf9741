"""Django Channels, as the consumer of its tutorial, with a group to each room.

usage: REDIS_URL=… django_channels.py

Under uvicorn and with the publish/subscribe layer of channels_redis, which its
documentation says has the lower latency and the smaller load on Redis. Without
sessions and sign-in, which the tutorial wraps around the consumer.
"""

import os
from typing import Any

import django
from asgi import serve
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.urls import re_path

settings.configure(
    CHANNEL_LAYERS={
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [os.environ["REDIS_URL"]]},
        }
    }
)
django.setup()


class RoomConsumer(AsyncWebsocketConsumer):
    """A member of one room."""

    async def connect(self) -> None:
        """Join the room's group, then accept."""
        self.group = f"room_{self.scope['url_route']['kwargs']['room']}"
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept()

    async def disconnect(self, _code: int) -> None:
        """Leave the group."""
        await self.channel_layer.group_discard(self.group, self.channel_name)

    async def room_event(self, event: dict[str, Any]) -> None:
        """Pass on what was sent to the group."""
        await self.send(text_data=event["text"])


application = ProtocolTypeRouter(
    {"websocket": URLRouter([re_path(r"^ws/(?P<room>\w+)$", RoomConsumer.as_asgi())])}
)


if __name__ == "__main__":
    serve(application)
