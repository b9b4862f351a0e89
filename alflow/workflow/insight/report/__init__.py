"""The parts of a report: what each chapter knows, and the page that shows them."""
