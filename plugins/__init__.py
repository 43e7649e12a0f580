"""The plugins that ship with pmo-watch; installed as `pmo_watch_plugins`."""
