"""Users' own API keys (BYOK): recognize one in a message, encrypt it for the database.

    encrypted = encryption.encrypt(key, telegram_id=…, provider=…)    stored in user_tokens
    key = encryption.decrypt(encrypted, telegram_id=…, provider=…)    only to call the provider with it

`shared/ai/key_check.py` checks a key with its provider; the screens are in `shared/features/user_keys`. How
to rotate the encryption keys: docs/user_api_keys.md.
"""
