"""The gateway process: read-only tools, one grant at a time. It holds the vault's key and has no session or page.

Served by granian as `app.gateway:application`, on loopback.
"""

from __future__ import annotations

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "app.settings")
django.setup(set_prefix=False)

from app.gateway.asgi import Asgi  # noqa: E402 - models can be imported only after the setup

application = Asgi()
