"""Trash: deleted conversations, until they are restored or removed for good."""
