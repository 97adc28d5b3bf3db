"""Measurements of the running server, each as a ratio against a raw pass-through proxy of the same run."""
