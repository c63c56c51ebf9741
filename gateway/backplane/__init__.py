"""Redis: clients, publish/subscribe, leases, throttles."""
