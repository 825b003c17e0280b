"""Values as plain data, and back."""
