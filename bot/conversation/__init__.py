"""Conversations: the transcript, who owns it, and one turn of the assistant at a time."""
