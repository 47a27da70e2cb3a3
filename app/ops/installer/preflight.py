"""What would keep Firstline from serving, found before minutes pass in installing and training."""

import sys
from pathlib import Path
from typing import Mapping

from app.ops.installer.console import Failed


def look_ahead(environ: Mapping[str, str], home: Path) -> None:
    """Check the settings and the port; whoever serves this home already is told of by `serve`.

    Raises:
        Failed: with the sentence that `serve` would end with.
    """
    if sys.version_info < (3, 10):
        return  # Settings are written for the app's Python; `serve` will look.
    from app.ops import home_lock
    from app.ops.listening import reserved
    from app.settings import Settings
    from foundation.errors import FirstlineError

    try:
        settings = Settings.from_env(environ)
        if home_lock.running(home) is None:
            with reserved(settings):
                pass
    except FirstlineError as error:
        raise Failed(error.message, error.hint or "") from None
