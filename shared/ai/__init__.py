"""What AI models do for us: answers in words (`chat`), each way of answering (`modes`), and who gives them.

    answer = chat.complete(messages.messages_for(mode, history, text, now), model=…, provider=…, deadline=…)

A provider is one file in `providers/`. `provider` says what such a file holds, `stream`, `events` and
`reading` carry its answer, and `chat` alone decides what is tried again and what an answer is.
"""
