"""Page Generate and the components that only it draws."""
