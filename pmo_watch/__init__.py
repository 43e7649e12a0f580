"""Rules and alerts for Project Management Offices."""

__version__ = "0.1.0"
