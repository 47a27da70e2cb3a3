"""The log of what was tried for users, and what became of it."""
