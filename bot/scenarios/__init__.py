"""Scenarios: conversations written down as YAML and played against the running product.

A scenario drives the public API and the demo application as a user and a browser would. It imports nothing
of the assistant, so that it can only see what a user sees.
"""
