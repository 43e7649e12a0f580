"""Writes Grafana's dashboards: what they show is said here, the JSON beside it is made from it."""
