"""``tap-smokeball-login``: saves a refresh token for the tap.

A user signs in once, by the authorization-code grant with PKCE (RFC 6749, RFC 7636) for a native
app (RFC 8252): the browser is redirected to a loopback address of this machine.
"""
