"""Earshot: hear what a Sonic Pi program will sound like before it runs."""

__version__ = "0.1.0"
