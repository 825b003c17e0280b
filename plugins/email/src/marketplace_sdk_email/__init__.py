"""Mail for the people a marketplace has news for."""
