"""Studies that measure Earshot on a corpus and compare the numbers with the paper's."""
