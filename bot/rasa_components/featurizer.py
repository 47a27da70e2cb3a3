"""Rasa graph component: one dense vector for each sentence, from the exported encoder."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.constants import DENSE_FEATURIZABLE_ATTRIBUTES
from rasa.shared.nlu.constants import FEATURE_TYPE_SENTENCE, TEXT
from rasa.shared.nlu.training_data.features import Features
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.rasa_components.encoding import encoder_folder, fingerprint, shared_encoder

ORIGIN = "OnnxSentenceFeaturizer"


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=False)
class OnnxSentenceFeaturizer(GraphComponent):  # type: ignore[misc]
    """Adds a dense sentence feature to each message. No tokenizer of Rasa's is needed before it.

    `encoder_dir`: folder of the encoder (empty: FIRSTLINE_ENCODER_DIR).
    """

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        """The component's settings."""
        return {"encoder_dir": "", "alias": ORIGIN}

    @staticmethod
    def required_packages() -> List[str]:
        """Packages that must be importable."""
        return ["onnxruntime", "tokenizers"]

    def __init__(self, config: Dict[str, Any]) -> None:
        self._alias = config["alias"]
        self._encoder = shared_encoder(encoder_folder(config["encoder_dir"]))

    @classmethod
    def create(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> OnnxSentenceFeaturizer:
        """Make the component; raises EncoderMissing when there is no encoder."""
        return cls(config)

    @classmethod
    def fingerprint_addon(cls, config: Dict[str, Any]) -> Optional[str]:
        """Another encoder makes everything that was computed from its vectors stale."""
        return fingerprint(encoder_folder(config.get("encoder_dir", "")))

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Add features to the examples."""
        self._add([message for message in training_data.training_examples if message.get(TEXT)])
        return training_data

    def process(self, messages: List[Message]) -> List[Message]:
        """Add features to messages of users."""
        self._add([message for message in messages if message.get(TEXT) and not message.features])
        return messages

    def _add(self, messages: List[Message]) -> None:
        assert TEXT in DENSE_FEATURIZABLE_ATTRIBUTES
        vectors = self._encoder.encode([str(message.get(TEXT)) for message in messages])
        for message, vector in zip(messages, vectors, strict=True):
            message.add_features(Features(vector.reshape(1, -1), FEATURE_TYPE_SENTENCE, TEXT, self._alias))
