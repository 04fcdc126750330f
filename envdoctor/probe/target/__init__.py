"""The target Python environment, seen from outside: nothing of it is imported here."""
