"""One file a change: NNNN_what.py with `revision = "NNNN"`. A released file is never edited."""
