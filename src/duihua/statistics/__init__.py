"""Statistics: how much was said, when, by which model and in which group."""
