"""What is stored about a user: the policy, the export as a file, the erasure."""

from shared.telegram.feature import Command, Feature

feature = Feature(
    __name__,
    commands=(
        Command("privacy", "data", works_offline=True),
        Command("mydata", "data"),
        Command("deleteme", "data"),
    ),
    buttons=("mydata", "deleteme"),
)
