"""PostgreSQL (the truth) and Redis (cache and limits), behind interfaces. Every call names its tenant."""
