"""Records to samples: what belongs together is joined, and what is alike shares a split."""
