"""What users thought of an answer."""
