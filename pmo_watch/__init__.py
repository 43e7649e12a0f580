"""Rules and alerts for Project Management Offices."""

import os

__version__ = "0.1.0"

# Polars' allocator keeps what a reading took at its peak, three times what is held afterwards, unless told before it
# is loaded to give it back: a daemon runs for months beside others. Giving back at once costs a third of the time.
os.environ.setdefault("_RJEM_MALLOC_CONF", "background_thread:true,dirty_decay_ms:200,muzzy_decay_ms:0")
