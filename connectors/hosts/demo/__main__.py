"""python -m connectors.hosts.demo: run Kettle."""

import argparse
import logging
import sys
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web

from connectors.hosts.demo.app import make_app

_ABOUT = """Kettle is a small tea and coffee subscription. Its ten sample users are each in some trouble.
It is the application that Firstline supports out of the box.
Its state is one SQLite file in --home."""


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query:
        raise argparse.ArgumentTypeError("give scheme, host and port, such as http://127.0.0.1:8080")
    return text.rstrip("/")


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m connectors.hosts.demo", description=_ABOUT)
    parser.add_argument(
        "--port", type=int, default=8081, help="port to listen on (default: 8081; 0: any free one)"
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument("--home", type=Path, required=True, metavar="DIR", help="folder for its state")
    parser.add_argument("--firstline-url", type=_url, required=True, metavar="URL",
                        help="where browsers reach Firstline, such as http://127.0.0.1:8080")  # fmt: skip
    parser.add_argument("--keys", type=Path, required=True, metavar="FILE",
                        help="key file shared with Firstline; it may appear, and change, later")  # fmt: skip
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> None:
    """Run until SIGINT or SIGTERM."""
    options = _parse(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s kettle %(levelname)s %(message)s")
    app = make_app(options.home, options.firstline_url, options.keys)
    web.run_app(app, host=options.host, port=options.port, print=lambda text: print(text, flush=True),
                access_log=None, shutdown_timeout=2)  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1:])
