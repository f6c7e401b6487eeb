"""AI models: chat (`chat`), structured answers (`structured`), chat modes (`modes`), providers, user keys.

    answer = chat.complete(messages.messages_for(mode, history, text, now), model=…, provider=…, deadline=…)

    labels = structured.ask_structured(Labels, messages, model=…, provider=…, deadline=…, kind=…)

A provider is one file in `providers/` and implements `provider.Provider`. `response_reader` and
`server_sent_events` read its responses; `chat` decides about retries and what counts as an answer,
`error_handling` what each kind of error means for users and the owner.
"""
