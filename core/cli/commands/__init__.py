"""One module a command; `core.cli` says what is in each."""
