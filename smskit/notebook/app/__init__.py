"""
The notebooks as an app in the browser, for people who should not see code: Voilà, as smskit serves it.

A landing page with the steps, a login by token, panels without plain steps, and
no request to anywhere but this server. Each visitor's page has a kernel of its own.
"""

from smskit.notebook.app.pages import STEPS, for_the_app
from smskit.notebook.app.server import AppSettings, serve

__all__ = ["STEPS", "AppSettings", "for_the_app", "serve"]
