"""What follows from the data dictionary in each system, never written twice."""
