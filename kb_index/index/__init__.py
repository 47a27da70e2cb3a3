"""Derived indexes over passages: made from PostgreSQL, kept in step with it, never the truth."""
