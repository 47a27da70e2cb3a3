"""One workflow a file; `actions.framework.registry` finds them."""
