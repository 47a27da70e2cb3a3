"""Rasa without the libraries that this assistant never uses.

Rasa imports TensorFlow, and the client libraries of a dozen chat services, when its component registry and
channels are imported, whether they are used or not: 380 MB and 10 s. `install()` puts empty stand-ins
in their place. They let class bodies and decorators at module level pass, and refuse anything after that: a
pipeline that does name such a component fails with a sentence that says how to get the real library.

FIRSTLINE_FULL_RASA=1 turns this off.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import os
import sys
import types
from typing import Any, Optional, Sequence

SWITCH = "FIRSTLINE_FULL_RASA"
LEFT_OUT = frozenset(
    {"tensorflow", "tensorflow_addons", "tensorflow_hub", "tensorflow_text", "keras", "jax", "matplotlib"}
    | {"aiogram", "fbmessenger", "mattermostwrapper", "rocketchat_API", "twilio", "webexteamssdk"}
    | {"boto3", "botocore", "google", "pymongo", "sklearn_crfsuite"}
)
_sealed = False


class LeftOut(RuntimeError):
    """Something needs a library that this process goes without."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} belongs to a library that is left out of the Rasa process to save memory. "
            f"Set {SWITCH}=1 to run and train with it."
        )


class _Meta(type):
    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Standin

    def __getitem__(cls, item: Any) -> Any:
        return cls

    def __or__(cls, other: Any) -> Any:
        return cls


class _Standin(metaclass=_Meta):
    """Base class, type, decorator or decorator factory: whatever a module asks of it while it is imported."""

    def __new__(cls, *arguments: Any, **named: Any) -> Any:
        if _sealed:
            raise LeftOut(cls.__name__ if cls is not _Standin else "This")
        if cls is _Standin and len(arguments) == 1 and callable(arguments[0]) and not named:
            return arguments[0]
        return super().__new__(cls)

    def __init__(self, *arguments: Any, **named: Any) -> None:
        pass

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return arguments[0] if len(arguments) == 1 and callable(arguments[0]) else self

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Standin


class _Module(types.ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if self.__name__.endswith(("errors", "exceptions")) or name.endswith(("Error", "Exception")):
            return type(name, (Exception,), {})  # to be named after `except`
        return _Standin


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(
        self, fullname: str, path: Optional[Sequence[str]], target: Optional[types.ModuleType] = None
    ) -> Optional[importlib.machinery.ModuleSpec]:
        if fullname.partition(".")[0] in LEFT_OUT:
            return importlib.machinery.ModuleSpec(fullname, self, is_package=True)
        return None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        return _Module(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        module.__path__ = []


def install() -> bool:
    """Leave the unused libraries out of this process, before Rasa is imported. Returns whether it did."""
    if os.environ.get(SWITCH) == "1":
        return False
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
    return True


def seal() -> None:
    """From now on a use of a library that was left out raises LeftOut; call it when Rasa is imported."""
    global _sealed
    _sealed = True
