"""``tap-smokeball-login``: signs a user in once and saves the refresh token for the tap.

It implements the authorization-code grant with PKCE (RFC 6749, RFC 7636) for a native app
(RFC 8252): the browser is redirected to a loopback address of this machine.
"""
