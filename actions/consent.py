"""A yes counts for exactly what was asked, and for nothing else."""

import hashlib

from actions.workflow import Diagnosis

CHANGED = "Something on your account has changed since I asked, so let me ask again. "
TO_BE_SURE = "Just to be sure what the yes was for: "


def consent_mark(diagnosis: Diagnosis) -> str:
    """A mark of what exactly was asked.

    Letters only: no masking rule takes them for a number.
    """
    digest = hashlib.sha256(diagnosis.question.encode()).hexdigest()[:12]
    return digest.translate(str.maketrans("0123456789", "ghijklmnop"))
