"""Connections: the providers a user has stored, the models they offer, and which of them answers."""
