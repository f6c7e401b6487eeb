"""The encryption keys of people's own keys: making a new one, and going over to it (docs/own_keys.md)."""
