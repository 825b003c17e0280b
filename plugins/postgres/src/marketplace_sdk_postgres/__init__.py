"""PostgreSQL as a data platform of the marketplace."""
