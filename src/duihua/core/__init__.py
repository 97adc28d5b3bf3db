"""The floor: configuration, errors, languages, ids, time. Knows nothing about chat."""
