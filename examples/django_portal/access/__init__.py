"""The Django app that embeds a marketplace."""
