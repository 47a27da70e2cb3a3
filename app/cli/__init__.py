"""The command `firstline`."""
