"""The servers Firstline starts beside itself: PostgreSQL, Valkey, Rasa and the demo application."""
