"""Earshot: predict what a Sonic Pi program will sound like before it runs."""

import os

__version__ = "0.1.0"

# By default, idle torch threads spin and take the cores from rendering, which runs at the same
# time as embedding. The variable has an effect only if it is set before torch is imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
