"""Page Compare and the components that only it draws."""
