"""The Beat lab: what it asks, how it says the answers, and what it draws."""
