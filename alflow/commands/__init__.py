"""What `alflow` offers in a terminal: each command parses, calls one use case and shows the value."""
