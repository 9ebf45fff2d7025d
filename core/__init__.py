"""Earshot: hear what a Sonic Pi program will sound like before it runs."""

import os

__version__ = "0.1.0"

# torch's threads wait by spinning unless told before it is imported, and so take
# the cores from rendering, which runs beside embedding.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
