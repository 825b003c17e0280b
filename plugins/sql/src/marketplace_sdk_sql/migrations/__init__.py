"""How the schema of each release is made from the one before; run by ``migrating``."""
