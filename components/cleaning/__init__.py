"""Raw records to standard ones: what is broken, empty or there twice is rejected with its reason."""
