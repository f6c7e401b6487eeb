"""What pictures and videos share: their catalogue, orders, options, results and history (docs/images.md).

A feature is a declaration, the texts of its kind, and `handlers.router_of(kind)`.
"""
