"""Installation: standard library only, any Python from 3.8 on, since it runs before anything is installed."""
