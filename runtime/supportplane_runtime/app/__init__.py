"""The composition root: the only package that chooses implementations. ``python -m supportplane_runtime.app ROLE``.

Each module of roles/ is a role, and only the asked one is imported: all of them together take four seconds of a
laptop's processor, at every start of every role. The other modules are what several roles are made of.
"""
