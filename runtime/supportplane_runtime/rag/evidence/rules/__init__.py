"""Hard rules: what a sentence may not say of its passage, whatever a judge of meaning thinks. The list is table.py."""
