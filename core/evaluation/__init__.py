"""Metrics of embedding spaces, calibration of confidence and the layout of the map: numbers only."""
