"""What people and machines read about a run: plan, progress, summary, connection test."""
