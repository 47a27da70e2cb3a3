"""Articles as units of text: Markdown, passages, terms, synonyms."""
