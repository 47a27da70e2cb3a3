"""Predictive help: what users do in the application, and what is offered to them before they ask."""
