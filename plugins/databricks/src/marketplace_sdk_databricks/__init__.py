"""Databricks Unity Catalog as a data platform: grants and masking exceptions."""
