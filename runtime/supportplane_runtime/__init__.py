"""The runtime: gateway, orchestrator and knowledge roles, one package, one image.

Layers (checked by import-linter): app > gateway | orchestrator > rag > store | model > turns > settings | metrics >
domain > errors. Only ``app`` chooses implementations.
"""
