"""Export and import: conversations as files, and back."""
