"""Small widgets, each a file."""
