"""The steps of a turn, one a file. Each is a pure function with the node that calls it beside it."""
