"""Files to documents and their passages. Only reading.py opens files, and only reader_process.py starts a process.

A new format is one new module in formats/.
"""
