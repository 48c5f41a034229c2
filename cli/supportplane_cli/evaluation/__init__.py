"""`supportplane eval`: an evaluation of the runtime on a database of its own, with progress and a report."""
