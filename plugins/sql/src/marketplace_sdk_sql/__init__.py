"""Storage for the marketplace in a SQL database; today SQLite."""
