"""Tables: cells by rows and columns, what stands beside them, and what is said above them."""
