"""Retrieval: reading, chunking, embedding, indexing, hybrid search, confidence, and the check that a claim holds."""
