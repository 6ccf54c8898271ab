"""LearningStore: the shared memory of the fleet, one promise with several bodies."""
