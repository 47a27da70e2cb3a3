"""What is stored of the secrets in cookies."""

import hashlib


def hash_secret(secret: str) -> str:
    """What is stored of a cookie's secret; it has 256 random bits, so a plain hash will do."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()
