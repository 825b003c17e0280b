"""What the marketplace asks of the outside world, as protocols."""
