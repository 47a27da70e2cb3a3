"""Self-healing: finds where the application does not hold what the user set, and puts it right."""
