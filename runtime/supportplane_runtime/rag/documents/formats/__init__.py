"""The formats of documents, each in a module that gives ``FORMATS``. A new format is one new module."""
