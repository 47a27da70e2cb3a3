"""The packet: all that a person needs to take a case over."""
