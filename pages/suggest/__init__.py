"""Page Suggest and the components that only it draws."""
