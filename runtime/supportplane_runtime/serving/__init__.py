"""What the HTTP servers of all roles share: probes, the pump for streams, the server that drains before it stops.

A role that serves makes an application of its own routes and those of ``probes``, and runs it with ``server``.
"""
