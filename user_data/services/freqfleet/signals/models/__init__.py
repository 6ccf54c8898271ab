"""Trained models as a bot needs them: read from files, checked, scored. LightGBM itself is not loaded."""
