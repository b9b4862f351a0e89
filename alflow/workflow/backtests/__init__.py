"""Back-tests: strategies tried where labels are known."""
