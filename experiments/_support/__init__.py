"""What experiments need beside the library; they import it as `_support`."""
