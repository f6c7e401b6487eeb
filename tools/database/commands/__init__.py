"""The commands of `./switchboard database`, each a function that prints and returns its exit status."""
