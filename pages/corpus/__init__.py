"""Page Corpus and the components that only it draws."""
