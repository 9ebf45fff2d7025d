"""What several pages draw: the frame around them, players, cards, jobs, messages."""
