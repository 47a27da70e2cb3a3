"""Who is next: conversations that wait for a turn, in turn by user, so that nobody's crowd delays another."""

from foundation.ids import ContactId, ConversationId

Waiting = tuple[ConversationId, ContactId]


class _Line:
    """One user's waiting conversations, in order."""

    def __init__(self) -> None:
        self.waiting: dict[ConversationId, None] = {}
        self.refused = False


class FairQueue:
    """A bounded queue. What it refuses waits in the database; `hungry` says when to fetch more from there.

    `most` conversations are held in all, `most_each` of one user; and a user has at most `working_each` at
    work, so that one whose turns all hang leaves places for others.
    """

    def __init__(self, *, most: int, most_each: int, working_each: int) -> None:
        self._most = most
        self._most_each = most_each
        self._working_each = working_each
        self._lines: dict[ContactId, _Line] = {}
        self._waiting: set[ConversationId] = set()
        self._working: dict[ContactId, int] = {}
        self._refused = False
        self.hungry = False

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, conversation: ConversationId) -> bool:
        return conversation in self._waiting

    def offer(self, conversation: ConversationId, user: ContactId) -> bool:
        """Put a conversation at the end of its user's line; False when there is no room for it."""
        if conversation in self._waiting:
            return True
        line = self._lines.get(user)
        if line is not None and len(line.waiting) >= self._most_each:
            line.refused = True
            return False
        if len(self._waiting) >= self._most:
            self._refused = True
            if line is not None or not self._make_room():
                return False
        self._lines.setdefault(user, _Line()).waiting[conversation] = None
        self._waiting.add(conversation)
        return True

    def _make_room(self) -> bool:
        """Take out the last of the longest line, for a user who has none waiting."""
        longest = max(self._lines.values(), key=lambda line: len(line.waiting))
        if len(longest.waiting) < 2:
            return False
        conversation, _ = longest.waiting.popitem()
        self._waiting.discard(conversation)
        longest.refused = True
        return True

    def take(self) -> Waiting | None:
        """Give the next conversation, which then is at work until `done`; None when nobody may have a turn.

        Users nobody works for come first, then the others, each group in the order of the ring.
        """
        user = self._next_user()
        if user is None:
            return None
        line = self._lines.pop(user)
        conversation = next(iter(line.waiting))
        del line.waiting[conversation]
        self._waiting.discard(conversation)
        if line.waiting:
            self._lines[user] = line  # at the end of the ring
        self._working[user] = self._working.get(user, 0) + 1
        self._note_hunger(line)
        return conversation, user

    def _next_user(self) -> ContactId | None:
        second: ContactId | None = None
        for user in self._lines:
            working = self._working.get(user, 0)
            if working == 0:
                return user
            if second is None and working < self._working_each:
                second = user
        return second

    def _note_hunger(self, line: _Line) -> None:
        if line.refused and len(line.waiting) <= self._most_each // 2:
            line.refused, self.hungry = False, True
        if self._refused and len(self._waiting) <= self._most // 2:
            self._refused, self.hungry = False, True

    def done(self, user: ContactId) -> None:
        """Note that a conversation of `user` is no longer at work."""
        left = self._working[user] - 1
        if left:
            self._working[user] = left
        else:
            del self._working[user]
