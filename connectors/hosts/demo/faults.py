"""Faults on demand, to test what a caller does when Kettle misbehaves. Off until somebody sets a rate."""

import random
from dataclasses import dataclass, field
from typing import Any

KINDS = ("error", "hang", "hang_after", "lie")
MAX_HANG_SECONDS = 120.0


@dataclass
class Faults:
    """Rates (0 to 1) by target: an operation's name, "state", "operations", "lookup", or "*" for the rest.

    error: answer 500 and do nothing. hang: do nothing and answer late. hang_after: do it and answer late.
    lie: claim success and do nothing (operations only).
    """

    rates: dict[str, dict[str, float]] = field(default_factory=dict)
    hang_seconds: float = 30.0
    counts: dict[str, int] = field(default_factory=dict)
    _random: random.Random = field(default_factory=random.Random)

    def set(self, wanted: Any) -> None:
        """Take `{"rates": {target: {kind: rate}}, "seed": int?, "hang_seconds": number?}`; {} turns all off.

        Raises:
            ValueError: with a sentence, when it is not of that form.
        """
        if not isinstance(wanted, dict) or set(wanted) - {"rates", "seed", "hang_seconds"}:
            raise ValueError("Send an object with rates, and perhaps seed and hang_seconds.")
        rates, hang = wanted.get("rates", {}), wanted.get("hang_seconds", 30.0)
        if not isinstance(rates, dict) or not all(_is_rates(rate) for rate in rates.values()):
            raise ValueError(
                f"rates maps a target to {', '.join(KINDS)}, each 0 to 1 and together at most 1."
            )
        if isinstance(hang, bool) or not isinstance(hang, int | float) or not 0 <= hang <= MAX_HANG_SECONDS:
            raise ValueError("hang_seconds is a number from 0 to 120.")
        seed = wanted.get("seed")
        if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int)):
            raise ValueError("seed is a whole number.")
        self.rates, self.hang_seconds, self.counts = rates, float(hang), {}
        self._random = random.Random(seed)  # noqa: S311 - not for secrets

    def draw(self, target: str) -> str | None:
        """Return the kind of fault that strikes this call, or None."""
        rates = self.rates.get(target, self.rates.get("*"))
        if not rates:
            return None
        at = self._random.random()
        for kind in KINDS:
            at -= rates.get(kind, 0.0)
            if at < 0:
                self.counts[kind] = self.counts.get(kind, 0) + 1
                return kind
        return None

    def describe(self) -> dict[str, Any]:
        """Return what is set and how often each kind has struck since."""
        return {"rates": self.rates, "hang_seconds": self.hang_seconds, "struck": self.counts}


def _is_rates(rates: Any) -> bool:
    if not isinstance(rates, dict) or set(rates) - set(KINDS):
        return False
    numbers = list(rates.values())
    if any(isinstance(n, bool) or not isinstance(n, int | float) or not 0 <= n <= 1 for n in numbers):
        return False
    return bool(sum(numbers) <= 1.0001)
