"""The steps of the wizard, in their order. Each names the heading of docs/deployment.md that it does."""
