"""The knowledge base: articles, their versions, and the semantic search over their passages."""
