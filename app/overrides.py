"""What tests and tools may put in the place of an adapter when the product is wired."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import aiohttp
import redis.asyncio as redis

from actions.ports import Journal
from bot.conversation.ports import LiveBrain, TurnObserver
from connectors.hosts.registry import ConnectedApplication
from foundation.authorization import Rulebook
from foundation.clock import Clock
from foundation.database import Database
from foundation.rates import Rates
from foundation.wakeups import Wakeups
from kb_index.ports import Encoder, VectorIndexes
from security.identity.authentication import HttpAuthenticator


@dataclass(frozen=True)
class Overrides:
    """Adapters to use instead of the product's own; what is None is the product's.

    Who gives one closes it: the product starts, stops and closes only what it has made itself.
    """

    clock: Clock | None = None
    """Time, for all rooms."""
    database: Database | None = field(default=None, repr=False)
    cache: "redis.Redis | None" = field(default=None, repr=False)
    wakeups: Wakeups | None = None
    """Wake-ups between parts; `Wakeups(None)` keeps them in this process."""
    brain: LiveBrain | None = None
    """The assistant that answers turns; Rasa otherwise."""
    applications: Mapping[str, ConnectedApplication] = field(default_factory=dict)
    """Host applications by name, in the place of those that hosts.yml connects under these names."""
    host_session: aiohttp.ClientSession | None = field(default=None, repr=False)
    """The connections on which the applications of hosts.yml are called."""
    encoder: Encoder | None = None
    vector_indexes: VectorIndexes | None = None
    journal: Journal | None = None
    """What changes of attempts are entered in; the audit chain otherwise."""
    rates: Rates | None = None
    """Counts what users do, for their limits."""
    authenticator: HttpAuthenticator | None = None
    """Tells who calls."""
    rules: Rulebook | None = None
    """Answers who may do what."""
    observer: TurnObserver | None = None
    """Is told of finished turns, in the place of the metrics."""


NOTHING_ELSE = Overrides()
"""The product as it is."""
