"""The simulator on a loopback socket: Starlette routes, uvicorn in a thread, clean start and stop.

Outside Graph's own paths: GET /_lab/writes, /_lab/requests and /_lab/faults show what happened, for tests and demos.
"""

import asyncio
import socket
import struct
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import asdict
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl

import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from recon.errors import ReconError, UsageError
from recon.lab.graph.app import GraphService
from recon.lab.graph.calls import Answer, Call, RequestRecord, WriteRecord
from recon.lab.graph.controls import Controls
from recon.lab.graph.delta import DeltaRules
from recon.lab.graph.directory import Directory
from recon.lab.graph.faults import Fault
from recon.lab.graph.store import Tenant
from recon.lab.graph.throttle import Limits
from recon.lab.graph.tokens import LIFETIME, App, TokenOffice

Sleep = Callable[[float], Awaitable[None]]

START_TIMEOUT = 10.0


class _Connections:
    """Open transports by the client's address, so that a fault can cut the right one."""

    def __init__(self) -> None:
        self.open: dict[tuple[str, int], asyncio.Transport] = {}

    def protocol(self) -> type[H11Protocol]:
        """The HTTP protocol that keeps this record."""
        registry = self.open

        class Recorded(H11Protocol):
            def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
                super().connection_made(transport)
                if self.client is not None:
                    registry[self.client] = transport

            def connection_lost(self, exc: Exception | None) -> None:
                if self.client is not None:
                    registry.pop(self.client, None)
                super().connection_lost(exc)

        return Recorded

    def reset(self, client: tuple[str, int]) -> None:
        """End a connection with a TCP reset, unsent data lost."""
        transport = self.open.get(client)
        if transport is None:
            return
        raw = transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()

    def close(self, client: tuple[str, int]) -> None:
        """End a connection after what was sent, in the middle of an answer."""
        transport = self.open.get(client)
        if transport is not None:
            transport.close()


class _GraphEndpoint:
    """/v1.0/…: answers each request, not before its latency is over, and does to the answer what the fault asks for."""

    def __init__(self, service: GraphService, connections: _Connections, latency: float, sleep: Sleep) -> None:
        self._service = service
        self._connections = connections
        self._latency = latency
        self._sleep = sleep

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = time.monotonic()
        request = Request(scope, receive)
        headers = {name.lower(): value for name, value in request.headers.items()}
        path = scope["raw_path"].decode("utf-8", "replace").partition("?")[0].removeprefix("/v1.0") or "/"
        call = Call(
            method=request.method,
            path=path,
            query=scope["query_string"].decode("utf-8", "replace"),
            headers=headers,
            body=await request.body(),
            root=f"http://{headers.get('host', '127.0.0.1')}",
        )
        answer = self._service.handle(call)
        if self._latency:  # our own work is a part of it, as it is in what Graph takes
            await self._sleep(max(0.0, self._latency - (time.monotonic() - begun)))
        kind = answer.fault.kind if answer.fault else ""
        if answer.fault is not None and kind == "slow":
            await self._sleep(1.0 if answer.fault.value is None else answer.fault.value)
        if kind in ("reset", "reset-after"):
            self._connections.reset(scope["client"])
            return
        await self._send(answer, kind, scope["client"], send)

    async def _send(self, answer: Answer, kind: str, client: tuple[str, int], send: Send) -> None:
        body = answer.body[: len(answer.body) // 2] if kind == "truncated" else answer.body
        headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers.items()]
        if answer.status != 204:
            headers.append((b"content-length", str(len(body)).encode("ascii")))
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        if kind == "503-mid" and body:
            await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
            self._connections.close(client)
            return
        await send({"type": "http.response.body", "body": body})


class GraphSimulator(Controls):
    """Microsoft Graph and its sign-in service on http://127.0.0.1:PORT, for invented tenants.

    latency: seconds that every Graph request takes at least, without holding up the others. limits: None switches
    throttling off. time_scale: simulated seconds per real second, of the limits alone. eventual: longest time in real
    seconds for which a write stays unseen, None: not at all. strict_roles: an application without a directory role
    may not write otherMails of anybody. token_lifetime: seconds. monotonic: another clock for limits and lag, such as
    one that only a rehearsal moves. sleep: another way to wait for latency and slow answers. Raises UsageError for
    tenants that are no Graph objects.
    """

    def __init__(
        self,
        tenants: Iterable[Tenant],
        *,
        apps: Mapping[str, App],
        latency: float = 0.0,
        limits: Limits | None = None,
        time_scale: float = 1.0,
        faults: Iterable[Fault] = (),
        eventual: float | None = None,
        strict_roles: bool = False,
        token_lifetime: int = LIFETIME,
        delta: DeltaRules | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        seed: int = 0,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        names: dict[str, str] = {}
        directories = []
        for tenant in tenants:
            for name in (tenant.tenant_id, *tenant.domains):
                if names.setdefault(name.lower(), tenant.tenant_id) != tenant.tenant_id:
                    raise UsageError(f"two tenants are called {name}")
            directories.append(Directory.load(tenant))
        self._office = TokenOffice(apps, names, token_lifetime)
        service = GraphService(
            directories,
            self._office,
            limits=limits,
            time_scale=time_scale,
            faults=faults,
            eventual=eventual,
            is_strict=strict_roles,
            delta=delta or DeltaRules(),
            seed=seed,
            monotonic=monotonic,
        )
        super().__init__(service)
        self.token_requests = 0
        self._latency = latency
        self._sleep = sleep
        self._address = (host, port)
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self._url = ""

    # ---- life

    def start(self) -> Self:
        """Listen and serve. Raises ReconError when the port is taken or the server does not come up."""
        # asyncio switches Nagle's delay off where the protocol is named: else each answer of two parts costs 40 ms
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(self._address)
        except OSError as error:
            listener.close()
            raise ReconError(f"cannot listen on {self._address[0]}:{self._address[1]}: {error.strerror}") from error
        host, port = listener.getsockname()[:2]
        self._url = f"http://{host}:{port}"
        connections = _Connections()
        config = uvicorn.Config(
            self._routes(connections),
            http=connections.protocol(),
            loop="asyncio",
            lifespan="off",
            ws="none",
            log_config=None,
            log_level="critical",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=1,
            timeout_keep_alive=75,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, args=([listener],), name="graph-simulator", daemon=True
        )
        self._thread.start()
        deadline = time.monotonic() + START_TIMEOUT
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                listener.close()
                raise ReconError("the Graph simulator did not start")
            time.sleep(0.005)
        return self

    def stop(self) -> None:
        """End the server and its thread; open connections are closed. Calling it twice does no harm."""
        if self._server is None or self._thread is None:
            return
        self._server.should_exit = True
        self._thread.join()
        self._server = self._thread = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def token(self, tenant: str, client_id: str) -> str:
        """A bearer token as the sign-in service would give it, for calls that need no socket."""
        return self._office.token(tenant, client_id)

    # ---- what it did

    @property
    def url(self) -> str:
        """http://127.0.0.1:PORT, the root of Graph (/v1.0) and of the sign-in service (/{tenant}/oauth2/v2.0/token)."""
        return self._url

    @property
    def requests(self) -> list[RequestRecord]:
        """Every Graph request so far; token requests are not among them."""
        with self.service.lock:
            return list(self.service.requests)

    @property
    def writes(self) -> list[WriteRecord]:
        """Every accepted write, in the order of acceptance."""
        with self.service.lock:
            return list(self.service.writes)

    # ---- routes

    def _routes(self, connections: _Connections) -> Starlette:
        graph = _GraphEndpoint(self.service, connections, self._latency, self._sleep)
        return Starlette(
            routes=[
                Route("/v1.0", endpoint=graph),
                Route("/v1.0/{path:path}", endpoint=graph),
                Route("/{tenant}/oauth2/v2.0/token", endpoint=self._token, methods=["POST"]),
                Route("/_lab/{what}", endpoint=self._lab, methods=["GET"]),
            ]
        )

    async def _token(self, request: Request) -> Response:
        self.token_requests += 1
        form = dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
        status, answer = self._office.issue(request.path_params["tenant"], form, self._url)
        headers = {"Cache-Control": "no-store, no-cache", "Pragma": "no-cache"}
        return Response(orjson.dumps(answer), status, headers, media_type="application/json")

    async def _lab(self, request: Request) -> Response:
        what = request.path_params["what"]
        with self.service.lock:
            shown: dict[str, list[dict[str, Any]]] = {
                "writes": [asdict(record) for record in self.service.writes] if what == "writes" else [],
                "requests": [asdict(record) for record in self.service.requests] if what == "requests" else [],
                "faults": self.service.faults.state(),
            }
        if what not in shown:
            return Response(status_code=404)
        return Response(orjson.dumps({"value": shown[what]}), media_type="application/json")
