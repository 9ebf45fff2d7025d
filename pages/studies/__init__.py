"""Page Studies and the components that only it draws."""
