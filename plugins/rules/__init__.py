"""What measures: one folder per topic."""
