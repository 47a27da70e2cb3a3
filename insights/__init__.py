"""What Firstline knows about its own work: metrics now; outcomes, experiments and reports grow here."""
