"""HTTP itself: reading bodies, the envelope, errors, retries. Knows no feature."""
