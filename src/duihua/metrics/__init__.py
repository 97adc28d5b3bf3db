"""`/metrics`: what this server does, in numbers."""
