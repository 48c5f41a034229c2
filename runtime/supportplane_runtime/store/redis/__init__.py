"""What Redis holds and the product can do without: the counters of rate limits. Losing them loses no answer."""
