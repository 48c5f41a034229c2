"""How much anybody may use: requests, turns at once, new visitors and sockets, refused calls."""
