"""What ML engineers see of a project: figures, reasons and doubts. It reads every other wing; none reads it."""
