"""Page Jobs and the components that only it draws."""
