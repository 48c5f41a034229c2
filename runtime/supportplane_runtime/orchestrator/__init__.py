"""The LangGraph turn: understand, retrieve, answer, verify, decide. Reached only through ``Turns``."""
