"""How well the search finds what it should, and what it is fitted with."""
