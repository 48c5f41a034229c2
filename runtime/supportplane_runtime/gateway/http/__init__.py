"""What every endpoint has in common: callers, strict JSON, problems, guards and observation."""
