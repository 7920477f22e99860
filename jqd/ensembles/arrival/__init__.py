"""Times of arrival at a point, as the paths, a wall and quantum mechanics have them."""
