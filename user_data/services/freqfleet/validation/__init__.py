"""Whether a candidate may be published: splits, weights, the gate."""
