"""What benchmarks are made with: duels, rivals, limits, homes, the page of results."""
