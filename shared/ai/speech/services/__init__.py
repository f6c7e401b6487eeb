"""The providers that read texts aloud, one file each, named by the provider's key."""
