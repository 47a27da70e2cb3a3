"""One workflow a file; `actions.registry` finds them."""
