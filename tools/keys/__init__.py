"""Create and rotate the encryption keys of users' API keys (docs/user_api_keys.md)."""
