"""Methods and data that only the ablations of the snippet-retrieval study use."""
