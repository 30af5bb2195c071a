"""What runs, in what order, and where: configuration, DAG, runners, command line."""
