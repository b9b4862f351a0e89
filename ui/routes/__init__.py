"""Plain HTTP routes: images, and the exchange of deck and grid."""
