"""Being in a room: joining, membership, who is here, who is typing."""
