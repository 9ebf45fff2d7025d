"""Components that several pages draw, and the parts of the server."""
