"""Writes what a data marketplace tells people into a file."""
