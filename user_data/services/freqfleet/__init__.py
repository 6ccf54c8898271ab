"""market -> signals -> trades -> learning -> parameters -> strategy."""

__version__ = "0.1.0"
