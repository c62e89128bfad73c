"""What the page Train draws."""
