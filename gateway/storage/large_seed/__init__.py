"""A gateway as it is after years: a million messages, for measuring and for plans of queries.

``sizes`` says how much of everything, ``words`` what people say, ``cast`` who
is in which room, ``talk`` what happens there, and ``writing`` puts it into the
database. All of it follows from fixed seeds: it is the same every time.
"""
