"""Deciding: planning poker, with votes that nobody sees before the reveal."""
