"""A yes counts for exactly what was asked, and for nothing else."""

import hashlib
import re

from actions.workflow import Diagnosis

CHANGED = "Something on your account has changed since I asked, so let me ask again. "
TO_BE_SURE = "Just to be sure what the yes was for: "


_YES = re.compile(r"(yes|yeah|yep|yup|yess+|sure|ok|okay|why not|of course|go ahead)\b")
_BUT = re.compile(r"\b(not|no|nope|don'?t|dont|stop|wait|cancel|never|later|hold|instead|actually|rather)\b")
_LONGEST = 8


def is_plain_yes(text: str) -> bool:
    """Tell whether a short message says yes in its first word and takes nothing of it back.

    It goes before what the message was read as: "yes, unlock it" is a yes and no new request.
    """
    said = text.casefold().replace("\u2019", "'").strip()
    first = _YES.match(said)
    if first is None or len(said.split()) > _LONGEST or "?" in said:
        return False
    return _BUT.search(said, first.end()) is None


def consent_mark(diagnosis: Diagnosis) -> str:
    """A mark of what exactly was asked.

    Letters only: no masking rule takes them for a number.
    """
    digest = hashlib.sha256(diagnosis.question.encode()).hexdigest()[:12]
    return digest.translate(str.maketrans("0123456789", "ghijklmnop"))
