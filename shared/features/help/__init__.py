"""The start, the menu, the help, and answers to what no other feature takes."""

from shared.telegram.feature import ANY, Command, Feature

feature = Feature(
    __name__,
    commands=(
        Command("start", works_offline=True),
        Command("menu", "more"),
        Command("help", "more", works_offline=True),
        Command("cancel", "more"),
        Command(ANY, in_menus=False),
    ),
    buttons=("help", "menu", "cancel", ANY),
    takes_content=True,
)
