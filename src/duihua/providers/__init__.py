"""The protocols that models speak, over one HTTP transport."""
