"""What the tests run with a loader's own Python: it loads files of messages and asks the database.

A program here is driven through `tests.warehouses.Session`: a JSON document a line, in and out.
"""
