"""How long to wait before something is tried again."""

import random

_RANDOM = random.SystemRandom()


def delay(tries: int, first: float, longest: float) -> float:
    """Return the seconds to wait after `tries` tries: `first` doubled each time, `longest` at most.

    Half of it is left to chance, so that what failed together is not tried again together.
    """
    whole = min(longest, first * 2.0 ** min(max(tries, 1) - 1, 60))
    return whole * (0.5 + _RANDOM.random() / 2)
