"""What the tap takes from the Singer SDK, and how it writes messages."""
