"""The live environments: started, given work, frozen, stopped. Knows nothing of callers or of the store's queue."""
