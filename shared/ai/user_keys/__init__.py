"""Users' own keys of AI providers: what one looks like, and how it is kept.

    encrypted = encryption.encrypt(key, telegram_id=…, provider=…)    what the database may hold
    key = encryption.decrypt(encrypted, telegram_id=…, provider=…)  only to ask the provider with it

The rest is elsewhere: `shared/ai/key_check.py` asks a provider whether it takes a key, the table is
user_tokens, and `shared/features/user_keys` are the screens. docs/user_api_keys.md tells how the encryption
keys are changed.
"""
