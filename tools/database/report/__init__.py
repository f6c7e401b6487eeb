"""One page about all environments: how they stand, what ran, how healthy they are. It needs no server."""
