"""Rules and alerts for Project Management Offices."""

import gc
import os

__version__ = "0.1.0"

# Polars' allocator keeps what a reading took at its peak, three times what is held afterwards, unless told before it
# is loaded to give it back: a daemon runs for months beside others. Giving back at once costs a third of the time.
os.environ.setdefault("_RJEM_MALLOC_CONF", "background_thread:true,dirty_decay_ms:200,muzzy_decay_ms:0")

# Data stands in columns, and what is imported stays: Python's usual search for circles of dead objects, at each seven
# hundred new ones, costs a start a quarter of a second and finds nothing.
gc.set_threshold(50_000, 20, 50)
