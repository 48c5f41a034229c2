"""What of a passage answers a question, and whether a passage proves a sentence; pure, without I/O and models."""
