"""Sessions of the chat page and visitors of widgets."""
