"""Settings: what a user decides."""
