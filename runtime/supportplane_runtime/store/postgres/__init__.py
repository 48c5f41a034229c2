"""The store on PostgreSQL, one module per subject. Each operation is one statement, so one round trip and one commit.

Every statement names the tenant (a test reads them all); only database.py touches a connection.
"""
