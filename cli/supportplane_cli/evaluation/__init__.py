"""The engine of `supportplane eval`: a folder of documents and questions through the real agent, measured."""
