"""Snowflake as a data platform: grants and masking exceptions."""
