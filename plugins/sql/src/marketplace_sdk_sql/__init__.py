"""Storage for the marketplace in a SQL database: SQLite or PostgreSQL."""
