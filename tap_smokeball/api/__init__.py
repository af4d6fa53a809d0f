"""Smokeball's API as a library: authorization, rate limit, retries, pages. No Singer in here."""
