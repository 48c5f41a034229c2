"""What the runtime asks of persistence, a module a subject. Upper code imports these, never an implementation.

Every method takes the tenant and sees only that tenant's rows: a foreign id is simply not found. A method raises
StoreUnavailable (retryable) when the database does not answer in time. The same file names stand in postgres/ (the
real one), in redis/ (limits only) and in memory/ (unit tests of upper layers); one conformance suite passes on all.
"""
