"""What the contract suite needs to know of each provider: one module a provider, with a `Sample`."""
