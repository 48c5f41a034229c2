"""Connections of a process: who is at their other end, and who gets a place among them."""
