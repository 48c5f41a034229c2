"""Files to documents and their passages. Only reading.py opens files, and only reader_process.py starts a process.

A new format is one module with a function `Reader` and one line in the table of readers.py.
"""
