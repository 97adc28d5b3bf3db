"""Messages: read, edit, delete, and the tree they form."""
