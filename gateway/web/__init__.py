"""HTTP: the API, health, and the upgrade to WebSocket."""
