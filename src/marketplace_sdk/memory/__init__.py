"""Everything a marketplace needs, in memory: for tests and trials."""
