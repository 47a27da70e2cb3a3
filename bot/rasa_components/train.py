"""Validate the assistant's files and train one model. Runs in Rasa's environment.

    python -m bot.rasa_components.train --config FILE --domain FILE --data FOLDER --out FILE

Driven by `bot.training`. Prints one JSON object a line: {"stage": ..., "detail": ...}. Exit status 0: done;
2: the files are wrong (stage "invalid", with `problems`); anything else: it broke.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import warnings
from pathlib import Path
from typing import Any, List

from bot.rasa_components import lean

INVALID = 2


_out = sys.stdout


def say(stage: str, detail: str = "", **more: Any) -> None:
    """Print one progress line."""
    print(json.dumps({"stage": stage, "detail": detail, **more}), file=_out, flush=True)


class _Problems(logging.Handler):
    """Keeps what Rasa's validator logs, as plain sentences."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.found: List[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        if record.exc_info and record.exc_info[1] is not None:
            message += f" {record.exc_info[1]}"
        self.found.append(message)


def validate(config: str, domain: str, data: str) -> List[str]:
    """What is wrong with the files, as sentences; empty when nothing is."""
    from rasa.shared.importers.importer import TrainingDataImporter
    from rasa.validator import Validator

    importer = TrainingDataImporter.load_from_config(config, domain, [data])
    problems: List[str] = []
    loaded = importer.get_domain()
    examples = importer.get_nlu_data()
    if loaded.is_empty():
        problems.append(f"{domain} defines nothing.")
    for name in sorted(set(examples.intents) - set(loaded.intents)):
        problems.append(f"Intent {name} has examples and is not in {domain}.")
    for name, number in examples.number_of_examples_per_intent.items():
        if number < 2:
            problems.append(f"Intent {name} has only {number} example; at least two are needed.")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        checker = Validator.from_importer(importer)
        good = checker.verify_domain_validity() and checker.verify_actions_in_stories_rules()
        good = checker.verify_intents_in_stories(False) and good
        good = checker.verify_form_slots() and checker.verify_slot_mappings() and good
    if not good and not problems:
        texts = [
            str(item.message).split("\n")[0] for item in caught if issubclass(item.category, UserWarning)
        ]
        problems += texts or ["Rasa's validator refuses the domain, the rules or the stories."]
    return problems


def train(config: str, domain: str, data: str, out: Path) -> None:
    """Train into `out` (a .tar.gz that must not exist yet)."""
    import rasa.model_training

    result = rasa.model_training.train(
        domain=domain,
        config=config,
        training_files=[data],
        output=str(out.parent),
        fixed_model_name=out.name,
        force_training=True,
    )
    if result.code != 0 or not out.is_file():
        raise RuntimeError(f"training ended with code {result.code}")


def _cause(error: BaseException) -> BaseException:
    """What is beneath the exceptions that Rasa wraps around the failure of a component."""
    while type(error).__name__ == "GraphComponentException" and error.__cause__ is not None:
        error = error.__cause__
    return error


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("config", "domain", "data"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--out", required=True, type=Path)
    options = parser.parse_args()
    os.environ.setdefault("RASA_MAX_CACHE_SIZE", "0")
    os.environ["RASA_TELEMETRY_ENABLED"] = "false"
    os.environ["TQDM_DISABLE"] = "1"
    warnings.simplefilter("ignore")
    sys.stdout = sys.stderr  # what Rasa prints is no progress line
    say("importing", "loading Rasa")
    lean.install()
    import rasa.engine.recipes.default_components
    import rasa.model_training  # noqa: F401
    from rasa.utils.log_utils import configure_structlog

    lean.seal()
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    configure_structlog(logging.WARNING)
    from rasa.engine.exceptions import GraphComponentException, GraphSchemaValidationException
    from rasa.shared.exceptions import RasaException

    problems = _Problems()
    logging.getLogger("rasa").addHandler(problems)
    try:
        say("validating", "checking domain, rules and examples")
        found = validate(options.config, options.domain, options.data)
        if found:
            say("invalid", found[0], problems=found)
            return INVALID
        say("training", "training intents and rules")
        train(options.config, options.domain, options.data, options.out)
    except (RasaException, GraphSchemaValidationException, GraphComponentException, lean.LeftOut) as error:
        told = _cause(error)
        if not isinstance(told, (RasaException, GraphSchemaValidationException, lean.LeftOut)):
            raise
        say("invalid", str(told), problems=[str(told), *problems.found])
        return INVALID
    say("trained", str(options.out))
    return 0


if __name__ == "__main__":
    sys.exit(main())
