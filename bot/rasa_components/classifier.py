"""Rasa graph component: intents with honest confidences, and `nlu_fallback` for what is out of scope."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any, Dict, List, Optional, Type

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.shared.exceptions import InvalidConfigException
from rasa.shared.nlu.constants import INTENT, INTENT_RANKING_KEY, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.rasa_components.featurizer import OnnxSentenceFeaturizer
from bot.rasa_components.intent_model import IntentModel, Reading, summary

FALLBACK = "nlu_fallback"
OUT_OF_SCOPE = "out_of_scope"
RANKED = 10
SURE = 0.9
CODE = re.compile(r"[A-Z]{2,}-\d+")
log = logging.getLogger(__name__)


def _without(ranking: List[Dict[str, Any]], name: str) -> List[Dict[str, Any]]:
    return [item for item in ranking if item["name"] != name]


def _vector(message: Message) -> Any:
    _, sentence = message.get_dense_features(TEXT, [])
    return None if sentence is None else np.asarray(sentence.features, dtype=np.float32)[0]


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class RejectingIntentClassifier(GraphComponent, IntentClassifier):  # type: ignore[misc]
    """Reads the intent; says `nlu_fallback` when the message is out of scope or too unclear to act on.

    The ranking always holds the real readings, so that the dialogue can offer the best two.

    `c`: inverse regularisation on unit vectors. `false_rejections`: share of in-scope messages that may be
    rejected. `least_confidence`: below this calibrated probability the best reading is not acted on.
    `codes`: what the application's error codes mean (code: intent). A code decides where the sentence around
    it leaves doubt: to a sentence encoder, KT-1001 and KT-1002 look alike.
    """

    @classmethod
    def required_components(cls) -> List[Type[Any]]:
        """What must come earlier in the pipeline."""
        return [OnnxSentenceFeaturizer]

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        """The component's settings."""
        return {"c": 32.0, "false_rejections": 0.06, "least_confidence": 0.4, "codes": {}}

    @staticmethod
    def required_packages() -> List[str]:
        """Packages that must be importable (scikit-learn is needed to train only)."""
        return ["numpy"]

    def __init__(
        self,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        model: Optional[IntentModel] = None,
    ) -> None:
        self._config = config
        self._storage = model_storage
        self._resource = resource
        self._model = model
        self._codes = {str(code).upper(): str(intent) for code, intent in (config["codes"] or {}).items()}

    @classmethod
    def create(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> RejectingIntentClassifier:
        """Make an untrained component."""
        return cls(config, model_storage, resource)

    @classmethod
    def load(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> RejectingIntentClassifier:
        """Load a trained component; raises ValueError when what is stored is no intent model."""
        with model_storage.read_from(resource) as folder:
            return cls(config, model_storage, resource, IntentModel.load(Path(folder) / "intents.npz"))

    def train(self, training_data: TrainingData) -> Resource:
        """Fit on the examples with an intent. Raises InvalidConfigException where they do not suffice."""
        vectors: List[Any] = []
        labels: List[str] = []
        outside: List[Any] = []
        for message in training_data.intent_examples:
            vector = _vector(message)
            if vector is None or not message.get(INTENT):
                continue
            if message.get(INTENT) in (OUT_OF_SCOPE, FALLBACK):
                outside.append(vector)
            else:
                vectors.append(vector)
                labels.append(str(message.get(INTENT)))
        try:
            self._model = IntentModel.fit(
                np.asarray(vectors, dtype=np.float32),
                labels,
                outside=np.asarray(outside, dtype=np.float32) if outside else None,
                c=float(self._config["c"]),
                false_rejections=float(self._config["false_rejections"]),
            )
        except ValueError as error:
            raise InvalidConfigException(f"The intents cannot be trained: {error}.") from error
        log.info("intents trained: %s", summary(self._model))
        with self._storage.write_to(self._resource) as folder:
            self._model.save(Path(folder) / "intents.npz")
        return self._resource

    def process(self, messages: List[Message]) -> List[Message]:
        """Set the intent and the ranking of each message that has none yet."""
        if self._model is None:
            raise InvalidConfigException("The intent classifier has not been trained.")
        for message in messages:
            if message.get(INTENT) and message.get(INTENT).get("name"):
                continue  # a button's payload names its intent
            vector = _vector(message)
            if vector is None or not any(c.isalnum() for c in str(message.get(TEXT))):
                self._set(message, FALLBACK, 1.0, [])
                continue
            reading = self._model.read(vector[np.newaxis])[0]
            self._judge(message, reading, self._model)
        return messages

    def _judge(self, message: Message, reading: Reading, model: IntentModel) -> None:
        ranking = [
            {"name": name, "confidence": confidence}
            for name, confidence in zip(reading.intents[:RANKED], reading.probabilities[:RANKED], strict=True)
        ]
        best = reading.probabilities[0]
        told = self._told_by_code(str(message.get(TEXT)))
        if told and best < SURE:
            ranking = [{"name": told, "confidence": SURE}, *_without(ranking, told)]
            self._set(message, told, SURE, ranking, max(SURE, reading.in_scope))
        elif not model.accepts(reading):
            self._set(message, FALLBACK, 1.0 - reading.in_scope, ranking)
        elif best < float(self._config["least_confidence"]):
            self._set(message, FALLBACK, 1.0 - best, ranking)
        else:
            self._set(message, reading.intents[0], best, ranking, reading.in_scope)

    def _told_by_code(self, text: str) -> Optional[str]:
        words = CODE.findall(text.upper())
        return next((self._codes[word] for word in words if word in self._codes), None)

    @staticmethod
    def _set(
        message: Message,
        name: str,
        confidence: float,
        ranking: List[Dict[str, Any]],
        in_scope: float = 0.0,
    ) -> None:
        intent = {"name": name, "confidence": confidence, "in_scope": in_scope}
        message.set(INTENT, intent, add_to_output=True)
        message.set(INTENT_RANKING_KEY, ranking, add_to_output=True)
