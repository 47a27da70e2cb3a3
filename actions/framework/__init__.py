"""Workflows: what one is, the registry that finds them, and the executor."""
