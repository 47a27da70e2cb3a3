"""A workflow in a conversation: consent, offers, answers, hand-off."""
