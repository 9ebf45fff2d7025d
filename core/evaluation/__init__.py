"""Metrics of embedding spaces, calibration of confidence, and layout of the map."""
