"""What runs: connections, the hub, the ledger, presence, supervision, drain."""
