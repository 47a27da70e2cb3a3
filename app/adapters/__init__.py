"""What joins two rooms: a port of one, implemented by another."""
