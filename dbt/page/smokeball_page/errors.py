"""The error of the command."""


class PageError(Exception):
    """The page cannot be made. The text says why and what to do."""
