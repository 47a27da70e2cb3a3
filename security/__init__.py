"""Who somebody is, what they may do, and what must not be written down."""
