"""The file of an agent that quotes a folder of documents, without a model: for tests that start roles as processes."""

from pathlib import Path

from supportplane_cli.embedded.ports import free_port

_FILE = """
apiVersion: supportplane.io/v1alpha1
kind: SupportAgent
metadata: {{name: {name}}}
spec:
  tenant: {{id: {tenant}}}
  template:
    model: {{modelRef: {{name: model}}, writing: Disabled}}
    knowledge: [{{name: guide}}]
---
apiVersion: supportplane.io/v1alpha1
kind: ModelEndpoint
metadata: {{name: model}}
spec: {{url: "http://127.0.0.1:{nobody}/v1", model: none}}
---
apiVersion: supportplane.io/v1alpha1
kind: KnowledgeBase
metadata: {{name: guide}}
spec: {{language: {language}, sources: [{{name: guide, path: {guide}}}]}}
"""


def quoting_agent(guide: Path, *, name: str, tenant: str, language: str = "en") -> str:
    """Its model is at an address where nobody listens."""
    return _FILE.format(guide=guide, name=name, tenant=tenant, language=language, nobody=free_port())
