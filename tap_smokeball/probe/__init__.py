"""``--probe``: asks an account what is not documented of the API, and reads nothing twice in vain.

A question is data (`question`). Its functions are in a module per area, named ``*_questions``.
"""
