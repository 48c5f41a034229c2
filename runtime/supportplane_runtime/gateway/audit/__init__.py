"""The audit of API calls: what is written, how refused calls are summed up, and when entries expire."""
