"""Programs for a loader's Python: they load messages and query the database.

`tests.warehouses.Session` drives them with one JSON document per line, in both directions.
"""
