"""The messenger's part of the pipeline: what conversations with people of the team show, and who answers.

For a bot that MESSENGER_BOTS names, `receive_update` writes the user's message into the conversation and
`finish_update` the answer, in the same round trips. While a human answers, the bot is silent on texts and
media; commands, buttons and payments work.
"""
