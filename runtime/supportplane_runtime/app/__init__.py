"""The composition root: the only package that chooses implementations. ``python -m supportplane_runtime.app ROLE``.

One module a role (serve, gateway, orchestrator, knowledge, migrate, model), and only the asked one is imported: all of
them together take four seconds of a laptop's processor, at every start of every role.
"""
