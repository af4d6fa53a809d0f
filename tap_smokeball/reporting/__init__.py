"""Reports about a run, for people and machines: plan, progress, summary, connection test."""
