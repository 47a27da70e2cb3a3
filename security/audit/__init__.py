"""The signed hash chain of attempts."""
