"""What Kettle shows: plain functions that turn state into HTML."""
