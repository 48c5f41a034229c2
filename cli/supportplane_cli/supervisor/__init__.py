"""`supportplane up`: starts the embedded parts and the runtime from one agent file, watches them, stops them.

plan (what is wanted) -> preflight (can it work) -> parts (what to start) -> run (start, watch, stop) -> report.
"""
