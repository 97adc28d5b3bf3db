"""`GET /chat/events`: what changed in a user's archive, for a second device that follows."""
