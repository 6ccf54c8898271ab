"""Shipped contracts and fakes: a new store or feeder is accepted when its contract passes."""
