"""The database from nothing, from every older shape, and through every accident on the way."""
