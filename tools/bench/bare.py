"""The baseline: the smallest function there is, on the same framework and server as the product's."""

import functions_framework
from flask import Request


@functions_framework.http
def bare(_request: Request) -> str:
    """Answer every call with the same word."""
    return "ok"
