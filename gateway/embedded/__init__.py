"""PostgreSQL and Redis as child processes, for a start with nothing installed.

Begin at ``servers``: ``async with embedded_servers(data_dir) as servers``.
"""

from gateway.embedded.servers import EmbeddedServers, embedded_servers

__all__ = ["EmbeddedServers", "embedded_servers"]
