"""Login to the console: the question in the chat, and the pages."""

from shared.telegram.feature import Feature

feature = Feature(__name__, buttons=("login",), links=("login_",))
