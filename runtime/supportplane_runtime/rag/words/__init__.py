"""A text to its words, as the index, the search and the evidence count them; pure."""
