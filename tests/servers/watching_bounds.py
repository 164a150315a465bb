"""The bounds of `watching`, apart: that module opens a store as it is imported."""

FILL, LIMIT = 4, 12
