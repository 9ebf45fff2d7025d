"""Page Listen and the components that only it draws."""
