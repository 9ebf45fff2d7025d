"""Page Map and the components that only it draws."""
