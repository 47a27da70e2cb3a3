"""Cases: a person takes over, with everything that happened so far."""
