"""The chat page, the widget script and the API reference."""
