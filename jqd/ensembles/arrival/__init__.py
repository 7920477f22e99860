"""Times of arrival at a point, by paths, an absorbing wall and quantum mechanics."""
