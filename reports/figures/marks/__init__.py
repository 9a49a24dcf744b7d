"""What several figures draw in the same way: points, places on the axis, labels, words."""
