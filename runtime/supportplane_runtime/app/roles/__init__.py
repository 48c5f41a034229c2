"""The roles of a runtime process: ``python -m supportplane_runtime.app ROLE`` runs the module of that name.

A module here is a role. Its docstring says what it does, and its ``run(settings, file)`` is the whole of it.
"""
