"""The pure heart: ids, errors, protocol models, frames, positions.

Nothing in here opens a socket, reads a clock or draws a random number; time,
ids and randomness are arguments. Everything else may import this package, and
it imports nothing of ours in return (import-linter holds the line).
"""
