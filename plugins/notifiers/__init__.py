"""What sends, and what shows."""
