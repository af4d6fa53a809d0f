"""One run: its status, its threads, and how many requests it still takes."""
