"""Conversations: create, list, change, move, delete."""
