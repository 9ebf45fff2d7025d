"""Search in a corpus: the opened corpus, queries, confidence and placement on a map."""
