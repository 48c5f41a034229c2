"""One module a command (group): flags in, one call, words out. What a command does lives beside this package."""
