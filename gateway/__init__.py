"""Parley: a self-hosted realtime room gateway."""

__version__ = "0.1.0"
