"""What reads plans, tickets and sheets."""
