"""Schema changes, oldest first in versions/. Only migrate.py runs them."""
