"""The process: its port, its signals, the order of start and end, and how many of it there are.

Begin at ``instance`` (one process) or at ``parent`` (one with workers).
"""
