"""A server of the tests, which serves while its context is open."""

import threading
from socketserver import BaseServer
from typing import Self


class BackgroundServer:
    """Serves from a thread; who subclasses it makes the server, which listens from then on."""

    def __init__(self, server: BaseServer) -> None:
        self._serving = server
        self._thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._serving.shutdown()
        self._thread.join()
        self._serving.server_close()
