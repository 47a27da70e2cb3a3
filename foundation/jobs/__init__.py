"""Work in the background that outlives the process: jobs in PostgreSQL, retried, locked by key, scheduled."""

from foundation.jobs.model import GiveUp, Job, Kind, RetryLater
from foundation.jobs.runner import JobRunner
from foundation.jobs.storage import add

__all__ = ["GiveUp", "Job", "JobRunner", "Kind", "RetryLater", "add"]
