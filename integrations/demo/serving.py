"""How a stand-in of the demo is served: on loopback, on a port and from a file of state that its command line names."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from http.server import ThreadingHTTPServer
from pathlib import Path


def serve(name: str, server: Callable[[int, Path], ThreadingHTTPServer], arguments: list[str]) -> None:
    """Until it is ended."""
    parser = argparse.ArgumentParser(prog=name)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--state", type=Path, required=True)
    options = parser.parse_args(arguments)
    server(options.port, options.state).serve_forever()
