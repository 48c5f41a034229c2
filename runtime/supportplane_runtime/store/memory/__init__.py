"""The store in memory, for unit tests of the layers above, a module a subject. No I/O, nothing survives the process.

It behaves as postgres/ and redis/ do: one conformance suite (tests/integration/runtime/store) passes on both.
"""
