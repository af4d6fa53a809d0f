"""``tap-smokeball-login``: a user signs in once, and the tap has a refresh token.

OAuth 2.0's authorization-code grant with PKCE (RFC 6749, 7636), for a program on the user's own
machine (RFC 8252): the browser comes back to an address that only this machine answers.
"""
