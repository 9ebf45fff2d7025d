"""Server of the Model Context Protocol: the operations of `core.operations` as tools.

`./run mcp` serves it to assistants over standard input and output, or over HTTP. The modules need
the official SDK `mcp`; importing this package does not.
"""
