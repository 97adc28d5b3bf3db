"""Search: that it finds exactly what is there, always, and shows it well."""
