"""Texts to vectors: the interface, the embedded models, and the threads on which the models run."""
