"""Values of the domain as plain data and back."""
