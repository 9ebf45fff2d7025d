"""Page Train and the components that only it draws."""
