"""Rules that the PostgreSQL store and the memory store share, as pure functions."""
