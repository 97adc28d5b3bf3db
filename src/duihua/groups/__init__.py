"""Groups: named drawers for conversations."""
