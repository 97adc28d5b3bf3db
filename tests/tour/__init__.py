"""The steps of `python test_chat_api.py`, a file for each feature; with nothing but the standard library."""
