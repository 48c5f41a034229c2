"""Every metric name of the runtime, declared in one place. A metric enters with the code that sets it.

Base units, bounded labels: never a tenant, user or conversation as a label value.
"""
