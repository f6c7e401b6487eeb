"""Money: what was asked of a provider, what the provider says happened, and what a person gets for it.

    endpoint.py   HTTP: a provider's callback ─▶ limits ─▶ verify ─▶ parse ─▶ record ─▶ the provider's words
    provider.py   what one provider must be able to do
    notice.py     what a provider says happened, in our words
    providers/    one file a provider; the path, the settings and the buttons follow from the file's name

Python only translates. What money is worth is decided in SQL (`record_payment_event` and what it calls),
where the payment's row is locked: the sums paid, refunded and disputed are kept, and what a person was given
follows from them, so that neither repetition nor order of arrival matters.
"""
