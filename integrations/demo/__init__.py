"""A real small lakehouse, and the faults that can be done to it: the ground of the demo and of the tests."""
