"""What a container registry answers, as far as the tools read it."""

from __future__ import annotations

from pydantic import AliasChoices, Field

from tools.validation import Foreign


class Token(Foreign):
    """An anonymous token, in OAuth2 access_token (distribution.github.io/distribution/spec/auth/token)."""

    token: str = Field(validation_alias=AliasChoices("token", "access_token"))
