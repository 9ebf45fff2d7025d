"""Page Home and the components that only it draws."""
