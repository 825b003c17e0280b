"""The rules of the marketplace: pure values and functions, without I/O and without a clock."""
