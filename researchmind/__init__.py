"""The Django project: settings, serving, health and middleware. The application is `sessions`."""

__version__ = "0.1.0"
