"""Reading conversations."""
