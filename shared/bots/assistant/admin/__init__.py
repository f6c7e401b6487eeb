"""What admins do in the assistant's private chat; for everybody else none of it is there.

    people.py    whom a command is about            card.py      /user, with buttons for the common actions
    actions.py   what can be done to somebody       commands.py  /grant /givetrainings /reset /plan
    banning.py   /ban, which asks first; /unban     audit.py     /audit: who did what
    payment.py   /payment, /payments <who>          refund.py    /refund, which asks first
    stats.py     /stats: how the bots do            check.py     /check: does all money agree?
    promocodes.py  /promocode                       statement.py  /statement: providers' lists beside ours
    products.py  /products: prices, titles, on sale or hidden  prices.py  reads prices as admins write them
    product_pages.py    what /products shows            product_changes.py  what it asks and changes
    undo.py      undoes a gift, a plan or a reset, once

Each action is a SQL function that asks again whether this is an admin, acts once per update however often it
is delivered (`UpdateContext.reference`), and writes down what it did.
"""

# In the order in which /help shows their commands.
from shared.bots.assistant.admin import (  # isort: skip
    stats,
    card,
    commands,
    banning,
    payment,
    refund,
    products,
    promocodes,
    check,
    statement,
    audit,
)

__all__ = [
    "audit",
    "banning",
    "card",
    "check",
    "commands",
    "payment",
    "products",
    "promocodes",
    "refund",
    "statement",
    "stats",
]
