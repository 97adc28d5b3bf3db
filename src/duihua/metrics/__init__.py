"""`/metrics`: what this process does, in numbers."""
