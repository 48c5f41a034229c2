"""Talks to a running agent over its HTTP API, as any program would: the command line has no way of its own."""
