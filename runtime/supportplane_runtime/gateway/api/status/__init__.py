"""The internal status, for the operator."""
