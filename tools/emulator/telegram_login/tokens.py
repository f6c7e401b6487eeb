"""The keys of the fake issuer and the id_tokens that it signs.

Telegram's set also holds an ES256K key (secp256k1), which libraries that parse a whole set stumble over, and
its RSA key has no `use` (facts of August 2026).
"""

from __future__ import annotations

import json
import secrets
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

RSA_KEY, ES256K_KEY = "oidc-1", "oidc-es256k-1"


class SigningKeys:
    """Keys that are made on first use. `rsa_key_id` changes when the issuer begins to use another."""

    def __init__(self) -> None:
        self.rsa_key_id = RSA_KEY

    def rotate(self) -> None:
        """Sign with a new RSA key under a new id; the old one leaves the set."""
        self.__dict__.pop("_rsa", None)
        self.rsa_key_id = f"oidc-{secrets.token_hex(4)}"

    def public_set(self) -> dict[str, Any]:
        """Return the JWKS document."""
        from jwt.algorithms import ECAlgorithm, RSAAlgorithm

        rsa = json.loads(RSAAlgorithm.to_jwk(self._rsa.public_key()))
        curve = json.loads(ECAlgorithm.to_jwk(self._es256k.public_key()))
        return {
            "keys": [
                curve | {"alg": "ES256K", "kid": ES256K_KEY},
                {name: value for name, value in rsa.items() if name != "use"}
                | {"alg": "RS256", "kid": self.rsa_key_id, "ext": True},
            ]
        }

    def sign(self, claims: dict[str, Any]) -> str:
        """Return an id_token in RS256."""
        import jwt

        return jwt.encode(claims, self._rsa, algorithm="RS256", headers={"kid": self.rsa_key_id})

    @cached_property
    def _rsa(self) -> RSAPrivateKey:
        from cryptography.hazmat.primitives.asymmetric import rsa

        return rsa.generate_private_key(public_exponent=65537, key_size=2048)

    @cached_property
    def _es256k(self) -> Any:
        from cryptography.hazmat.primitives.asymmetric import ec

        return ec.generate_private_key(ec.SECP256K1())
