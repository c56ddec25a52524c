"""The simulator without a socket: requests are answered where they are made, in whatever time its clock shows.

For rehearsals in scaled time: the same service, the same JSON and the same reading of answers as over HTTP.
"""

from collections.abc import Collection, Mapping, Sequence
from urllib.parse import urlencode

from recon.errors import TransientError
from recon.lab.graph.calls import Call
from recon.lab.graph.server import GraphSimulator
from recon.sources.graph.answer import Answer, failure
from recon.sources.graph.batch import BatchAnswer, BatchItem, run_batch
from recon.sources.graph.retry import Patience

_CUT = {
    "reset": "the connection was lost before the answer was whole",
    "reset-after": "the connection was lost before the answer was whole",
    "truncated": "the answer was cut off or is not JSON",
    "503-mid": "the connection was lost before the answer was whole",
}


class InProcessGraph:
    """One signed-in application of one tenant. Nothing is tried again here."""

    def __init__(self, simulator: GraphSimulator, tenant: str, client_id: str) -> None:
        self.patience = Patience(tries=0)
        self._simulator, self._tenant, self._client_id = simulator, tenant, client_id
        self._token = simulator.token(tenant, client_id)
        self.late = 0.0  # seconds by which a fault delayed the last answer

    def batch(self, items: Sequence[BatchItem]) -> list[BatchAnswer]:
        """The answers to at most 20 requests, in their order."""
        return run_batch(self, items)

    def send(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        body: bytes | None = None,
        permission: str | None = None,
        accept: Collection[int] = (),
    ) -> Answer:
        """One request, once; errors as those of the client over HTTP."""
        own = {"authorization": f"Bearer {self._token}"} | {
            name.lower(): value for name, value in (headers or {}).items()
        }
        if body is not None:
            own.setdefault("content-type", "application/json")
        call = Call(method, path, urlencode(params or {}), own, body or b"", "https://graph.microsoft.com")
        answer = self._simulator.service.handle(call)
        kind = answer.fault.kind if answer.fault else ""
        self.late = 1.0 if kind == "slow" else 0.0
        if answer.fault is not None and kind == "slow" and answer.fault.value is not None:
            self.late = answer.fault.value
        if kind in _CUT:
            raise TransientError(f"{method} {path}: {_CUT[kind]}")
        found = Answer(answer.status, answer.headers, answer.body)
        if answer.status == 401:  # the client over HTTP signs in anew
            self._token = self._simulator.token(self._tenant, self._client_id)
        if 200 <= answer.status < 300 or answer.status in accept:
            return found
        if answer.status == 401:
            raise TransientError(f"{method} {path}: the token had expired")
        raise failure(f"{method} {path}", found, self.patience.clock(), permission=permission)
