"""Smokeball's API as a library: authorization, rate limit, retries, pages. No Singer in here."""

from tap_smokeball.api.client import ApiClient, Endpoint, Response

__all__ = ["ApiClient", "Endpoint", "Response"]
