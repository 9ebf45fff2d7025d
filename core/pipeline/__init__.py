"""The steps that make a corpus and its alignments; one module per command."""
