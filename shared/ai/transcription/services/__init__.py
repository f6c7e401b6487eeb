"""The providers that transcribe, one file each, named by the provider's key."""
