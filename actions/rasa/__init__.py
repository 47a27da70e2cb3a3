"""The rasa-sdk side: action classes over the use cases, and the endpoint that Rasa calls."""
