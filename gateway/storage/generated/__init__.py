"""Generated from the live schema by `gateway types`; not to be edited."""
