"""One file a room: constructs its adapters, nothing else."""
