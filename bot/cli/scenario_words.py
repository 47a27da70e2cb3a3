"""What scenarios may name, learnt from the demo application itself: it is asked, never copied."""

import tempfile
from pathlib import Path
from typing import Any

from bot.scenarios.vocabulary import Vocabulary
from connectors.hosts.demo.rules import RULES
from connectors.hosts.demo.sample import SAMPLES, restore
from connectors.hosts.demo.state import read_state
from connectors.hosts.demo.store import Store


async def demo_vocabulary() -> Vocabulary:
    """Return the sample users, every field that one of them has, and the operations."""
    with tempfile.TemporaryDirectory(prefix="firstline-words-") as folder:
        store = Store(Path(folder) / "kettle.sqlite3")
        try:
            await store.run(restore)
            states = await store.run(lambda db: [read_state(db, sample.ref) or {} for sample in SAMPLES])
        finally:
            await store.close()
    samples = {sample.key: sample.trouble for sample in SAMPLES}
    operations: dict[str, Any] = {name: rule.title for name, rule in RULES.items()}
    return Vocabulary.of(samples, states, operations)
