"""Generations: running a model, keeping what it says, and streaming it."""
