"""
The simulator as a server: one port for all providers, in a daemon thread or in the foreground.

Uvicorn carries the connections; a Starlette application has the providers' methods and the control routes.
"""

from __future__ import annotations

import asyncio
import secrets
import signal
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from types import MappingProxyType

import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.routing import Route
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from smskit.errors import InputError, SettingsError
from smskit.settings import is_loopback
from smskit.settings.listening import bound
from smskit.simulator import aliyun, chuanglan, control, tencent, yunpian
from smskit.simulator.accounts import ANY_CREDENTIAL
from smskit.simulator.core import World
from smskit.simulator.faults import FaultPlan
from smskit.simulator.guard import TOKEN_HEADER, Guard
from smskit.simulator.push import Pusher, is_loopback_url
from smskit.simulator.wire import DROP, body_of

# A dialect's package has PROVIDER, ENVIRONMENT, PUSHES, and endpoints(world) by path; where all is at "/", by
# action, and action_of(headers, query, body).
DIALECTS = {module.PROVIDER: module for module in (yunpian, aliyun, chuanglan, tencent)}

_BACKLOG = 1024
_FINISH_TIMEOUT_S = 1.0
_STOP_TIMEOUT_S = 5.0


class _Root:
    """The one path of Tencent and of Aliyun, which name their actions in a header or a field."""

    def __init__(self, world: World) -> None:
        self._endpoints = [(m.action_of, m.endpoints(world)) for m in (tencent, aliyun)]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a call to the endpoint of its action."""
        body = await body_of(scope, receive)
        if body is None:
            return
        for action_of, endpoints in self._endpoints:
            action = action_of(Headers(scope=scope), scope["query_string"], body)
            if action is not None:
                await endpoints.get(action, endpoints[""]).answer(scope, body, receive, send)
                return


class _Http(HttpToolsProtocol):
    """Uvicorn's protocol, which also tells the application how to close the connection."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {DROP: self.transport.close}  # type: ignore[dict-item]


class _Server(uvicorn.Server):
    """
    Uvicorn's server, which stops at once.

    Uvicorn looks every tenth of a second whether it is to stop, and then waits
    as long again; tests that start hundreds of simulators would feel it.
    """

    def __init__(self, config: uvicorn.Config, closing: asyncio.Event) -> None:
        super().__init__(config)
        self._closing = closing

    async def main_loop(self) -> None:
        await self.on_tick(0)
        await self._closing.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        # Calls being answered may finish; those that hang are dropped by `closing`.
        if self.server_state.tasks:
            await asyncio.wait(list(self.server_state.tasks), timeout=_FINISH_TIMEOUT_S)
        await asyncio.sleep(0)


class Simulator:
    """
    All simulated providers on one loopback port, served from a daemon thread.

        with Simulator() as simulator:
            send_to(simulator.url)
            assert simulator.world.doubled() == []

    Args:
        host: A loopback address; anything else is refused.
        port: 0 takes a free one.
        world: The truth to serve; a fresh one when left out. A world handed in
            stays open when the simulator stops.
        private: For whoever has its `headers` alone, without control routes: real people are in it.

    Raises:
        SettingsError: The host is not loopback, or the port is taken.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        world: World | None = None,
        private: bool = False,
    ) -> None:
        if not is_loopback(host):
            raise SettingsError(
                "the simulator serves this machine only, so not on `{host}`; use 127.0.0.1", host=host
            )
        self.world = world or World()
        self.token = secrets.token_urlsafe(24)
        self._owns_world = world is None
        self._private = private
        self._host = host
        self._port = port
        self._socket: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self._stop: Callable[[], object] | None = None

    @property
    def url(self) -> str:
        """Where it serves, without a slash at the end."""
        if self._socket is None:
            raise SettingsError("the simulator is not running; call start() first")
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}"

    @property
    def headers(self) -> dict[str, str]:
        """What a request for the control routes, or to a private simulator, brings along."""
        return {TOKEN_HEADER: self.token}

    def start(self) -> Simulator:
        """Begin to serve; connections are taken from now on."""
        if self._thread is not None:
            return self
        self._socket = bound(self._host, self._port)
        self._socket.listen(_BACKLOG)
        self._port = self._socket.getsockname()[1]
        loop, closing = _new_loop(), asyncio.Event()
        self._stop = partial(loop.call_soon_threadsafe, closing.set)

        def run() -> None:
            with asyncio.Runner(loop_factory=lambda: loop) as runner:
                runner.run(self._serve(closing))

        self._thread = threading.Thread(target=run, name="simulator", daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop serving; hanging calls are dropped. The world can still be asked."""
        if self._thread is None or self._stop is None:
            return
        self._stop()
        self._thread.join(_STOP_TIMEOUT_S)
        self._thread = self._socket = None
        if self._owns_world:
            self.world.close()

    def __enter__(self) -> Simulator:
        return self.start()

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def _application(self) -> Starlette:
        world = self.world
        methods = yunpian.endpoints(world) | chuanglan.endpoints(world) | {"/": _Root(world)}
        routes = [Route(path, endpoint) for path, endpoint in methods.items()]
        if not self._private:
            routes += control.routes(world)
        guard = Middleware(Guard, token=self.token, guards="/" if self._private else control.ROOT)
        return Starlette(routes=routes, middleware=[guard], exception_handlers={InputError: control.refused})

    async def _serve(self, closing: asyncio.Event) -> None:
        assert self._socket is not None
        app = self._application()
        app.state.closing = closing  # so that no call hangs on
        config = uvicorn.Config(
            app,
            interface="asgi3",
            http=_Http,
            ws="none",
            lifespan="off",
            proxy_headers=False,
            log_config=None,
            access_log=False,
            date_header=False,
            server_header=False,
            timeout_keep_alive=60,
            backlog=_BACKLOG,
        )
        ways = {name: dialect.PUSHES for name, dialect in DIALECTS.items()}
        pusher = asyncio.create_task(Pusher(self.world, ways).run())
        await _Server(config, closing).serve(sockets=[self._socket])
        pusher.cancel()
        await asyncio.wait([pusher])


def serve(
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    faults_file: str | Path | None = None,
    store_url: str = "",
    accounts: Sequence[tuple[str, str, dict[str, str]]] = (),
    variables: Mapping[str, str] = MappingProxyType({}),
    push: str = "",
    echo: Callable[[str], None] = print,
) -> None:
    """
    Serve until interrupted or terminated; says where, and what to put into the environment.

    Args:
        faults_file: YAML or JSON, see `FaultPlan`.
        store_url: SQLAlchemy URL that keeps accepted messages over restarts.
        accounts: (provider, credential, settings) of accounts to know; a provider
            without one is open to any plausible credential.
        variables: Of the environment those accounts are from; what to put there is said as it stands.
        push: Where every account has its receipts and replies pushed, see `pushed_to`.
        echo: Takes each line for the person who started it.
    """
    plan = FaultPlan.load(faults_file) if faults_file else None
    world = World(faults=plan, store_url=store_url)
    anybody = [(name, ANY_CREDENTIAL, dict[str, str]()) for name in DIALECTS] if push else []
    for provider, credential, settings in [*anybody, *accounts]:
        world.register(provider, credential, **settings, **pushed_to(push, provider))
    done = threading.Event()
    previous = signal.signal(signal.SIGTERM, lambda *_: done.set())
    try:
        with Simulator(host=host, port=port, world=world) as simulator:
            for line in greeting(simulator.url, simulator.token, variables):
                echo(line)
            done.wait()
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGTERM, previous)
        world.close()


def pushed_to(url: str, provider: str) -> dict[str, str]:
    """
    The settings of an account that has everything pushed to ``URL/PROVIDER/receipts`` and ``.../replies``.

    Args:
        url: On this machine; "" = nothing is pushed.

    Raises:
        SettingsError: it is not on this machine.
    """
    if url and not is_loopback_url(url):
        raise SettingsError("the simulator pushes to this machine only: http://127.0.0.1:PORT/…")
    base = f"{url.rstrip('/')}/{provider}"
    return {"receipt_url": f"{base}/receipts", "reply_url": f"{base}/replies"} if url else {}


def greeting(url: str, token: str, variables: Mapping[str, str] = MappingProxyType({})) -> list[str]:
    """
    Return what a person needs to know: the address, the judge's token, each provider's environment.

    Args:
        variables: What is in the environment; a credential there is the one that is accepted.
    """
    lines = [f"simulator at {url}", f"judge at {url}{control.ROOT}", f"SMSKIT_SIMULATOR_TOKEN={token}"]
    for name, value in chain.from_iterable(module.ENVIRONMENT.items() for module in DIALECTS.values()):
        here = value.format(url=url)
        lines.append(f"{name}={here if here != value else variables.get(name) or value}")
    return lines


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:  # not made for Windows
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()
