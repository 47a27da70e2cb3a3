"""What is removed before a text is written down."""
