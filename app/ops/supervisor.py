"""Which children this installation needs, and the order in which they start and stop."""

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

import redis.asyncio
import sqlalchemy.exc
from alembic.util import CommandError

from app.ops.children.child import Child, Place
from app.ops.children.demo import Demo
from app.ops.children.http_probe import answers
from app.ops.children.postgres import Postgres
from app.ops.children.rasa import Rasa
from app.ops.children.valkey import Valkey
from app.ops.parts import DEMO_HOST, Parts, Secrets
from app.schema import migrate
from app.settings import Settings
from foundation.database import Database
from foundation.errors import Unavailable
from security.identity.keyring import KeyRing


class Progress(Protocol):
    """Told what begins and what is done, for people and programs that wait."""

    def begins(self, part: str) -> None:
        """A part is being started."""

    def ready(self, part: str, note: str = "") -> None:
        """A part is ready."""


class Supervisor:
    """Starts, watches and stops the children. Servers named in the settings are used instead of children."""

    def __init__(self, settings: Settings, progress: Progress) -> None:
        self.settings = settings
        self._progress = progress
        place = Place.within(settings.home)
        self.secrets = Secrets.of(settings.keys)
        self.postgres = None if settings.database_url else Postgres(place, settings.home / "postgres")
        self.valkey = None if settings.redis_url else Valkey(place, settings.home / "valkey")
        token = self.secrets.service_token
        self.rasa = None if settings.rasa_url else Rasa(place, settings, lambda: self.redis_url, token)
        ring = settings.host_keys / f"{DEMO_HOST}.json"
        self.demo = None if settings.demo_port is None else Demo(place, settings, settings.demo_port, ring)

    @property
    def children(self) -> list[Child]:
        """The children, in the order of their start."""
        return [one for one in (self.postgres, self.valkey, self.demo, self.rasa) if one is not None]

    @property
    def database_url(self) -> str:
        """URL of the PostgreSQL in use."""
        return self.settings.database_url or (self.postgres.url if self.postgres else "")

    @property
    def redis_url(self) -> str:
        """URL of the Redis in use."""
        return self.settings.redis_url or (self.valkey.url if self.valkey else "")

    @property
    def rasa_url(self) -> str:
        """URL of the Rasa in use."""
        return self.settings.rasa_url or (self.rasa.url if self.rasa else "")

    @property
    def parts(self) -> Parts:
        """What the app is wired with."""
        return Parts(self.database_url, self.redis_url, lambda: self.rasa_url, self.secrets)

    async def start_stores(self) -> None:
        """Start PostgreSQL and Valkey side by side and bring the database up to date.

        Raises:
            Unavailable: when one does not start, or a server named in the settings does not answer.
        """
        async with asyncio.TaskGroup() as group:
            group.create_task(self._start(self.postgres, "PostgreSQL", self._reach_database))
            group.create_task(self._start(self.valkey, "Valkey", self._reach_redis))
        self._progress.begins("Tables")
        database = Database.open(self.database_url, pool_size=1)
        try:
            await migrate.upgrade(database)
        except CommandError:
            raise Unavailable(
                "The database was last used by a version of Firstline that this one does not know.",
                hint="Run that version, or name another FIRSTLINE_HOME (or DATABASE_URL) for this one.",
            ) from None
        finally:
            await database.close()
        self._progress.ready("Tables")

    async def start_demo(self) -> None:
        """Start the demo application, or end one that is left; the key ring they share is made first."""
        if self.demo is None:
            # One that an earlier run left behind must not go on beside an installation that is for others.
            ring = self.settings.host_keys / f"{DEMO_HOST}.json"
            await Demo(Place.within(self.settings.home), self.settings, 0, ring).stop()
        else:
            await asyncio.to_thread(KeyRing.create, self.settings.host_keys / f"{DEMO_HOST}.json", DEMO_HOST)
            await self._start(self.demo, "Demo application", None)

    async def start_rasa(self) -> None:
        """Start Rasa."""
        await self._start(self.rasa, "Rasa", self._reach_rasa)

    async def stop(self) -> None:
        """Stop all children, those that need others first."""
        for group in ([self.rasa, self.demo], [self.valkey, self.postgres]):
            stops = [child.stop() for child in group if child is not None]
            await asyncio.gather(*stops, return_exceptions=True)

    async def _start(self, child: Child | None, part: str, reach: Callable[[], Any] | None) -> None:
        self._progress.begins(part)
        if child is not None:
            await child.start()
            self._progress.ready(part, "adopted from an earlier run" if child.adopted else "")
        elif reach is not None:
            await reach()
            self._progress.ready(part, "runs elsewhere")

    async def _reach_database(self) -> None:
        database = Database.open(self.database_url, pool_size=1)
        try:
            async with asyncio.timeout(10):
                await database.ping()
        except (OSError, TimeoutError, sqlalchemy.exc.SQLAlchemyError, ValueError) as error:
            raise Unavailable(
                f"The PostgreSQL that DATABASE_URL names does not answer ({_kind(error)}).",
                hint="Check the address and the password, or unset DATABASE_URL to use the built-in one.",
            ) from None
        finally:
            await database.close()

    async def _reach_redis(self) -> None:
        client = redis.asyncio.Redis.from_url(self.redis_url, socket_timeout=5, socket_connect_timeout=5)
        try:
            await client.ping()
        except (OSError, redis.exceptions.RedisError) as error:
            raise Unavailable(
                f"The Redis that REDIS_URL names does not answer ({_kind(error)}).",
                hint="Check the address and the password, or unset REDIS_URL to use the built-in one.",
            ) from None
        finally:
            await client.aclose()

    async def _reach_rasa(self) -> None:
        try:
            up = await answers(self.rasa_url, seconds=10)
        except (OSError, TimeoutError):
            up = False
        if not up:
            raise Unavailable(
                "The Rasa that RASA_URL names does not answer.",
                hint="Start it, or unset RASA_URL to use the built-in one.",
            )


def _kind(error: BaseException) -> str:
    """Name an error without its text, which may hold the password."""
    cause = getattr(error, "orig", None) or error
    return type(cause).__name__
