"""Reading a room: what has been said, who is in it, and all of it as a file."""
