"""The web side: its pages (routes.py) and the HTTP edge of the function `console` (endpoint.py)."""
