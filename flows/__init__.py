"""What runs and in what order, and the command line that starts it."""
