"""The database's history, applied by `upgrade` at every start."""
