"""OpenID Connect tokens as Google signs them for the service account of a task, and their certificate."""

from __future__ import annotations

import base64
import datetime
import json
from functools import cached_property

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

KEY_ID = "emulator"
LIFETIME = 3600  # seconds
_ISSUER = "https://accounts.google.com"


class Signer:
    """A key pair, made on first use."""

    def token(self, account: str, audience: str, now: float) -> str:
        """Return a token (RFC 7519, RS256) that proves the service account to the audience."""
        claims = {
            "iss": _ISSUER, "aud": audience, "azp": "1", "sub": "1", "email": account,
            "email_verified": True, "iat": int(now) - 1, "exp": int(now) + LIFETIME,
        }  # fmt: skip
        signed = _part({"alg": "RS256", "kid": KEY_ID, "typ": "JWT"}) + b"." + _part(claims)
        signature = self._key.sign(signed, padding.PKCS1v15(), hashes.SHA256())
        return (signed + b"." + _encoded(signature)).decode()

    def certificates(self) -> dict[str, str]:
        """Return the certificates by key id, as https://www.googleapis.com/oauth2/v1/certs does."""
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "emulator")])
        now, day = datetime.datetime.now(datetime.UTC), datetime.timedelta(days=1)
        built = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self._key.public_key())
            .serial_number(1)
            .not_valid_before(now - day)
            .not_valid_after(now + 3650 * day)
            .sign(self._key, hashes.SHA256())
        )
        return {KEY_ID: built.public_bytes(serialization.Encoding.PEM).decode()}

    @cached_property
    def _key(self) -> rsa.RSAPrivateKey:
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _part(value: object) -> bytes:
    return _encoded(json.dumps(value).encode())


def _encoded(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
