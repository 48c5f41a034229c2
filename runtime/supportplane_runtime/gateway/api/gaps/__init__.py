"""What customers ask and the documents do not answer well enough."""
