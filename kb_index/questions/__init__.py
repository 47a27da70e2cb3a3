"""What users asked: the gate of known questions, what was asked in vain, how articles did."""
