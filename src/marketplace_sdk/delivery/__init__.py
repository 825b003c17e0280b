"""What happens after a decision: messages, timers, and platforms that follow."""
