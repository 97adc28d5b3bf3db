"""The database: one interface over SQLite and PostgreSQL. Knows nothing about chat."""
