"""People: whether they are here, and when they were last."""
