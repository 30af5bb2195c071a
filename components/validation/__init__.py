"""What the examples must look like: the curated schema that ExampleValidator holds the data against."""
