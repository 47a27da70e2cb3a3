"""What operators see and do about jobs: figures, the list, trying again and giving up."""

from foundation.jobs.storage import cancel, figures, listed, revive

__all__ = ["cancel", "figures", "listed", "revive"]
