"""From a question to the articles that answer it, or to saying that none does."""
