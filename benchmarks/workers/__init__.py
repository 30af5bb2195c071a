"""What is timed: one module a contender, run as a process of its own with the interpreter of its environment.

A peer's module runs outside the product's environment: it imports the standard library, the peer and
`benchmarks.worker`, nothing else of this repository.
"""
