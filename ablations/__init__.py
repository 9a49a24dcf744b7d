"""What the paper asked: one short module per table or figure, and the plan of the work they share."""
