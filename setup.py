"""Lists the packages: pyproject.toml can rename `plugins/`, but not list what a renamed folder holds."""

from setuptools import find_packages, setup

core = find_packages(include=["pmo_watch", "pmo_watch.*"])
plugins = find_packages(include=["plugins", "plugins.*"])
setup(packages=[*core, *(f"pmo_watch_{name}" for name in plugins)])
