"""A folder of documents and questions through the real graph, measured; asked by `supportplane eval`."""
