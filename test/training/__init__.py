"""Trains the small models that Sluice is tested with: each family's head on one backbone, on drawn scenes."""
