"""Plotly figures and drawings, made from data frames and samples without reading any file.

Colours are legible on a light and on a dark background. The caller chooses the background.
"""
