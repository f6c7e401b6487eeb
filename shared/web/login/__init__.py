"""Reads what Telegram signs about a user who opens our pages. It knows no session and no page.

identity.py    `TelegramIdentity`, what Telegram says; `LoginRefused`, why it is not believed
fields.py      the signed fields of a query string, each once
init_data.py   initData of a Mini App
widget.py      the Login Widget, which Telegram calls legacy
oidc.py        "Log in with Telegram", OpenID Connect: addresses, exchange of the code
id_token.py    its id_token       keys.py  the keys that sign it
"""
