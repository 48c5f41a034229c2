"""The composition root: the only module that chooses implementations. Roles: serve, knowledge, migrate."""
