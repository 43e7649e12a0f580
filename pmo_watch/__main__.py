"""`python -m pmo_watch`."""

from pmo_watch.cli import main

main()
