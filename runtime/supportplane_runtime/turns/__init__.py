"""Where gateway and orchestrator meet: request, events, and the one ``Turns`` interface. Neither imports the other."""
