"""The HTTP face: authentication, limits, streaming, the chat page. Knows the orchestrator only as ``Turns``."""
