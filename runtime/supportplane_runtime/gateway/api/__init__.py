"""The endpoints, a package a subject."""
