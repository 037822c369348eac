#!/usr/bin/env python
"""Django's command line, and ours: `manage.py up --demo` starts everything."""

from __future__ import annotations

import os
import sys

from django.core.management import execute_from_command_line

from app.launcher.adopt import adopt_environment

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "app.settings")
    adopt_environment(sys.argv)
    execute_from_command_line(sys.argv)
