"""Prompts: texts with variables, from which conversations take their system message."""
