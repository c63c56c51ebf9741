"""What is said on the wire: commands in, events and replies out, and how each is encoded."""
