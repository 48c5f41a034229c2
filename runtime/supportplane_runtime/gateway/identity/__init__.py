"""Who calls: keys, sessions and visitors, and the origins that may use them."""
