"""The rules, pure: values and decisions without I/O, clock or chance."""
