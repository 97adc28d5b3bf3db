"""Waking those who wait for something that was committed."""
