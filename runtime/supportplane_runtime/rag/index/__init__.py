"""Where passages are stored and searched: the interface, and three implementations that rank alike."""
