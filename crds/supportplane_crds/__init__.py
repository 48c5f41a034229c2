"""The contract: typed models of SupportAgent and its companion kinds, from which the CRD YAML is generated.

Every plane may import this package; it imports none of them.
"""
