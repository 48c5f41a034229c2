"""Questions and their answers over HTTP, SSE and WebSocket."""
