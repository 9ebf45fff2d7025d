"""HTTP API: the operations of `core.operations` for programs on this machine, or with a token."""
