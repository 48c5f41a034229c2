"""Values that move through the runtime: frozen, typed, without I/O. Everything above may import them."""
