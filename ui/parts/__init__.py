"""What pages share: the frame, the session, cards, charts, words for what is empty."""
