"""Brings an index to what the documents say now, one ingestion of a collection at a time."""
