"""The HTTP server: routes and zones of the core and of plugins, and the core's own API."""
