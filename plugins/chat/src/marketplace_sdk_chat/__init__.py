"""Slack and Microsoft Teams for the people a marketplace has news for."""
