"""Readers of documents: the bytes of one file to its title and Markdown. Pure: no file is opened, no process started.

A new format is one module with a function `Reader` and one line in the table of readers.py.
"""
