"""What can go wrong with the brain behind a conversation."""

from foundation.errors import Unavailable


class BrainUnavailable(Unavailable):
    """The assistant gave no usable answer; `reason` is a short code for the log and the case."""

    def __init__(self, reason: str) -> None:
        super().__init__("The assistant does not answer.", hint="A person will take over.")
        self.reason = reason
