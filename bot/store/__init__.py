"""Memory: what was asked, what was decided, what is due, on SQLite or PostgreSQL."""
