"""The shared kernel: small building blocks every room may import. It imports none of them."""
