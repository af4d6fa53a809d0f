"""A second simulated Smokeball, written against the notes on the API alone.

It shares no code with the tap, with `smokeball_sandbox` or with other tests: a belief that tap and
sandbox share by mistake fails here. Where the API's behaviour is not known, `Options` has each
possible answer, and the tests draw one at random. `python -m tests.tenant` serves it over HTTP.
"""
