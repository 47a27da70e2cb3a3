"""The help centre: pages without script, and what the widget keeps for offline use."""
