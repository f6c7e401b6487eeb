"""What runs on your own machine and is never deployed."""
