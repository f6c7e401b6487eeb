"""What stands for a value in the text of a message."""

NAME = "{name}"  # the first name of the user
