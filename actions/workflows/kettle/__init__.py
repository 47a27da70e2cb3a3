"""The workflows of Kettle, the demo application."""
