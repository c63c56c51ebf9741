"""What people do in a room: commands, events, rules (pure) and handlers."""
