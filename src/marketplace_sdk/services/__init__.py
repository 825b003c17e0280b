"""Use cases: one module each, behind ``Marketplace``."""
