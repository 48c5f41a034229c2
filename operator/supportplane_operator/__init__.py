"""The Kubernetes operator: observe, check, render, apply, report. One reconcile a changed agent, level-triggered."""
