"""What payment providers tell: that one of our orders is paid, written and signed as each of them does it.

Every order is paid once, so each callback is applied: fulfilled, and its buyer notified.
"""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from shared.payments.providers.prodamus import php_forms
from tools.bench import bare_hmac, updates
from tools.bench.errors import BenchError

ORDERS = 10_000  # of each provider, for all rounds of a run
SHOP = "100500"
_SECRET = "the-secret-of-the-bench"  # noqa: S105 - of shops that do not exist
_CRYPTO_TOKEN = "12345:AAthe-token-of-the-bench"  # noqa: S105
_MOMENT = "2026-11-21T10:00:00.000Z"

Headers = dict[str, str]
Callback = tuple[str, Headers, bytes]  # path, headers, body

PRICES: dict[str, tuple[str, Decimal]] = {
    "stripe": ("USD", Decimal("1.99")),
    "yookassa": ("RUB", Decimal("149.00")),
    "cloudpayments": ("RUB", Decimal("149.00")),
    "prodamus": ("RUB", Decimal("149.00")),
    "crypto_pay": ("RUB", Decimal("149.00")),
    "telegram_stars": ("XTR", Decimal(100)),
}


def environment(fake_servers: str) -> dict[str, str]:
    """Return the settings of all providers; `fake_servers` is the address of what answers our questions."""
    return {
        "STRIPE_SECRET_KEY": _SECRET,
        "STRIPE_WEBHOOK_SECRET": _SECRET,
        "YOOKASSA_SHOP_ID": SHOP,
        "YOOKASSA_SECRET_KEY": _SECRET,
        "YOOKASSA_API_URL": f"{fake_servers}/yookassa",
        "CLOUDPAYMENTS_PUBLIC_ID": "pk_bench",
        "CLOUDPAYMENTS_API_SECRET": _SECRET,
        "PRODAMUS_URL": f"{fake_servers}/prodamus",
        "PRODAMUS_SECRET_KEY": _SECRET,
        "CRYPTO_PAY_TOKEN": _CRYPTO_TOKEN,
    }


def first_order(provider: str) -> int:
    """Return the number of the provider's first order."""
    return (list(PRICES).index(provider) + 1) * 1_000_000


def user(order: int) -> int:
    """Return the Telegram id of whose order it is."""
    return updates.FIRST_USER + order % updates.USERS


def requests(provider: str) -> Iterator[bytes]:
    """Yield HTTP requests that tell of one order after another.

    Raises:
        BenchError: all orders are paid.
    """
    for order in itertools.count(first_order(provider)):
        if order >= first_order(provider) + ORDERS:
            raise BenchError(f"{provider}: {ORDERS} orders are too few for this run")
        yield _http(*_WRITERS[provider](order))


def signed_requests() -> Iterator[bytes]:
    """Yield what the baseline takes: a callback of usual size under one HMAC."""
    for order in itertools.count(1):
        _, _, body = _crypto_pay(order)
        signature = hmac.new(bare_hmac.SECRET, body, hashlib.sha256).hexdigest()
        yield _http("/", {bare_hmac.HEADER: signature, "Content-Type": "application/json"}, body)


def yookassa_payment(number: str) -> bytes:
    """Return the payment of this number, as YooKassa's API tells it."""
    return json.dumps(_yookassa_object(int(number[:8], 16)), ensure_ascii=False).encode()


def _http(path: str, headers: Headers, body: bytes) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: bench", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


def _digest(secret: bytes | str, message: bytes) -> bytes:
    key = secret.encode() if isinstance(secret, str) else secret
    return hmac.digest(key, message, "sha256")


def _stripe(order: int) -> Callback:
    metadata = {"order_id": str(order)}
    details = {"email": "maria@example.com", "name": "Maria Ivanova", "phone": None, "tax_exempt": "none"}
    session = {
        "id": f"cs_live_{order}", "object": "checkout.session", "amount_subtotal": 199, "amount_total": 199,
        "automatic_tax": {"enabled": False, "status": None}, "billing_address_collection": None,
        "cancel_url": "https://t.me/bench_bot", "client_reference_id": str(order), "created": 1_795_000_000,
        "currency": "usd", "customer": None, "customer_creation": "if_required", "customer_details": details,
        "expires_at": 1_795_086_400, "invoice": None, "livemode": True, "locale": "en", "metadata": metadata,
        "mode": "payment", "payment_intent": f"pi_{order}", "payment_method_types": ["card", "link"],
        "payment_status": "paid", "status": "complete", "subscription": None,
        "success_url": "https://t.me/bench_bot", "total_details": {"amount_discount": 0, "amount_tax": 0},
    }  # fmt: skip
    event = {
        "id": f"evt_{order}", "object": "event", "api_version": "2026-10-28.endive", "created": 1_795_000_100,
        "data": {"object": session}, "livemode": True, "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None}, "type": "checkout.session.completed",
    }  # fmt: skip
    body = json.dumps(event, indent=2).encode()
    now = int(time.time())
    signature = _digest(_SECRET, b"%d." % now + body).hex()
    headers = {"Content-Type": "application/json", "Stripe-Signature": f"t={now},v1={signature}"}
    return "/stripe", headers, body


def _yookassa_object(order: int) -> dict[str, Any]:
    money = {"value": "149.00", "currency": "RUB"}
    return {
        "id": f"{order:08x}-000f-5000-9000-145f6df21d6f", "status": "succeeded", "paid": True,
        "amount": money, "income_amount": {"value": "143.79", "currency": "RUB"}, "created_at": _MOMENT,
        "captured_at": _MOMENT, "description": "Сверх дневного лимита, без срока",
        "metadata": {"order_id": str(order)},
        "payment_method": {"type": "bank_card", "id": f"{order:08x}", "saved": False, "title": "Card *4242"},
        "recipient": {"account_id": SHOP, "gateway_id": "100700"}, "refundable": True,
        "refunded_amount": {"value": "0.00", "currency": "RUB"}, "test": False,
    }  # fmt: skip


def _yookassa(order: int) -> Callback:
    body = {"type": "notification", "event": "payment.succeeded", "object": _yookassa_object(order)}
    headers = {"Content-Type": "application/json", "X-Forwarded-For": "185.71.76.5"}
    return "/yookassa", headers, json.dumps(body, ensure_ascii=False).encode()


def _cloudpayments(order: int) -> Callback:
    fields = {
        "TransactionId": order, "Amount": "149.00", "Currency": "RUB", "PaymentAmount": "149.00",
        "PaymentCurrency": "RUB", "OperationType": "Payment", "InvoiceId": order, "AccountId": user(order),
        "SubscriptionId": "", "Name": "MARIA IVANOVA", "Email": "maria@example.com",
        "DateTime": "2026-11-21 10:00:00",
        "IpAddress": "203.0.113.7", "IpCountry": "RU", "IpCity": "Москва", "CardFirstSix": "424242",
        "CardLastFour": "4242", "CardType": "Visa", "CardExpDate": "12/30", "Issuer": "Bank", "TestMode": 0,
        "Description": "Сверх дневного лимита, без срока", "Status": "Completed", "GatewayName": "Bank",
        "AuthCode": "A1B2C3",
    }  # fmt: skip
    body = urlencode(fields).encode()
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Content-HMAC": b64encode(_digest(_SECRET, body)).decode(),
    }
    return "/cloudpayments/pay", headers, body


def _prodamus(order: int) -> Callback:
    fields = {
        "date": "2026-11-21T13:00:00+03:00", "order_id": str(order), "order_num": str(order),
        "domain": "shop.payform.ru", "sum": "149.00", "currency": "rub", "customer_phone": "+79990000000",
        "customer_email": "maria@example.com", "customer_extra": "Сверх дневного лимита, без срока",
        "payment_type": "Пластиковая карта Visa, MasterCard, МИР", "commission": "3.5",
        "commission_sum": "5.22", "attempt": "1", "sys": "switchboard", "products[0][name]": "100 запросов",
        "products[0][price]": "149.00", "products[0][quantity]": "1", "products[0][sum]": "149.00",
        "payment_status": "success", "payment_status_description": "Успешная оплата",
        "payment_init": "manual",
    }  # fmt: skip
    boundary = "----boundary7MA4YWxkTrZu0gW"
    parts = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    )
    signature = _digest(_SECRET, php_forms.canonical(php_forms.nested(list(fields.items())))).hex()
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}", "Sign": signature}
    return "/prodamus", headers, ("".join(parts) + f"--{boundary}--\r\n").encode()


def _crypto_pay(order: int) -> Callback:
    invoice = {
        "invoice_id": order, "hash": f"IV{order}", "currency_type": "fiat", "fiat": "RUB", "amount": "149",
        "paid_asset": "USDT", "paid_amount": "1.86", "paid_fiat_rate": "80.0", "fee_asset": "USDT",
        "fee_amount": "0.05", "bot_invoice_url": f"https://t.me/CryptoBot?start=IV{order}", "status": "paid",
        "description": "Сверх дневного лимита, без срока", "created_at": _MOMENT, "paid_at": _MOMENT,
        "allow_comments": True, "allow_anonymous": True, "paid_anonymously": False, "payload": str(order),
    }  # fmt: skip
    paid = {
        "update_id": order,
        "update_type": "invoice_paid",
        "request_date": _MOMENT,
        "payload": invoice,
    }
    body = json.dumps(paid, ensure_ascii=False).encode()
    signature = _digest(hashlib.sha256(_CRYPTO_TOKEN.encode()).digest(), body).hex()
    return "/crypto_pay", {"Content-Type": "application/json", "crypto-pay-api-signature": signature}, body


def _telegram_stars(order: int) -> Callback:
    """Tell it in the bot's own updates, to the function `telegram`."""
    payer = {"id": user(order), "is_bot": False, "first_name": "Мария", "language_code": "ru"}
    payment = {
        "currency": "XTR", "total_amount": 100, "invoice_payload": str(order),
        "telegram_payment_charge_id": f"stx{order}", "provider_payment_charge_id": f"{user(order)}_0",
    }  # fmt: skip
    message = {"message_id": 77, "from": payer, "chat": {"id": payer["id"], "type": "private"}}
    message |= {"date": int(time.time()), "successful_payment": payment}
    body = {"update_id": updates.next_number(), "message": message}
    headers = {"Content-Type": "application/json", "X-Telegram-Bot-Api-Secret-Token": updates.SECRET}
    return "/assistant", headers, json.dumps(body, ensure_ascii=False).encode()


_WRITERS: dict[str, Callable[[int], Callback]] = {
    "stripe": _stripe,
    "yookassa": _yookassa,
    "cloudpayments": _cloudpayments,
    "prodamus": _prodamus,
    "crypto_pay": _crypto_pay,
    "telegram_stars": _telegram_stars,
}
