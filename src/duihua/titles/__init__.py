"""Titles of conversations: a model's, else the beginning of what was asked."""
