"""The sign-in side: client credentials in, a bearer token out, checked again on every Graph call.

The token is a JWT whose payload can be read by anybody (roles, tid, appid: what a doctor looks at) and which only
this process can make. Its secrets are those of invented applications.
"""

import base64
import hashlib
import hmac
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

from recon.errors import UsageError
from recon.lab.graph import errors
from recon.lab.graph.permissions import check_names

LIFETIME = 3599


@dataclass(frozen=True)
class App:
    """One app registration. `permissions`: application permissions. `role`: a directory role, for sensitive writes."""

    secret: str = field(repr=False)
    permissions: Iterable[str]
    role: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "permissions", check_names(self.permissions))


@dataclass(frozen=True)
class Claims:
    """What a valid token says."""

    tenant_id: str
    client_id: str
    roles: frozenset[str]


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class TokenOffice:
    """Issues and checks tokens. `lifetime`: seconds, shorter than Entra's where a test lets one expire."""

    def __init__(self, apps: Mapping[str, App], tenants: Mapping[str, str], lifetime: int) -> None:
        """`tenants`: every name a tenant is known by (id, domains), lower case, to its id."""
        self._apps = {client_id.lower(): app for client_id, app in apps.items()}
        self._tenants = tenants
        self._lifetime = lifetime
        self._key = uuid.uuid4().bytes + uuid.uuid4().bytes

    def issue(self, tenant: str, form: Mapping[str, str], issuer: str) -> tuple[int, dict[str, Any]]:
        """Answer one token request: status and JSON body, an error in the shape of the sign-in service."""
        for name in ("grant_type", "client_id", "scope"):
            if not form.get(name):
                return _refusal(
                    400, "invalid_request", 900144, f"The request body must contain the following parameter: '{name}'."
                )
        if form["grant_type"] != "client_credentials":
            message = f"The app requested an unsupported grant type '{form['grant_type']}'."
            return _refusal(400, "unsupported_grant_type", 70003, message)
        tenant_id = self._tenants.get(tenant.lower())
        if tenant_id is None:
            return _refusal(
                400,
                "invalid_request",
                90002,
                f"Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID.",
            )
        client_id = form["client_id"].lower()
        app = self._apps.get(client_id)
        if app is None:
            message = f"Application with identifier '{client_id}' was not found in the directory '{tenant_id}'."
            return _refusal(400, "unauthorized_client", 700016, message)
        if not form["scope"].endswith("/.default"):
            return _refusal(
                400,
                "invalid_scope",
                70011,
                f"The provided value for the input parameter 'scope' is not valid: {form['scope']}",
            )
        if not hmac.compare_digest(form.get("client_secret", "").encode(), app.secret.encode()):
            message = (
                "Invalid client secret provided. Ensure the secret being sent in the request is the client secret "
                f"value, not the client secret ID, for a secret added to app '{client_id}'."
            )
            return _refusal(401, "invalid_client", 7000215, message)
        answer = {
            "token_type": "Bearer",
            "expires_in": self._lifetime,
            "ext_expires_in": self._lifetime,
            "access_token": self._token(tenant_id, client_id, app, form["scope"], issuer),
        }
        return 200, answer

    def token(self, tenant: str, client_id: str) -> str:
        """A token without the form, for callers in this process. Raises UsageError for an unknown tenant or app."""
        tenant_id, app = self._tenants.get(tenant.lower()), self._apps.get(client_id.lower())
        if tenant_id is None or app is None:
            raise UsageError(f"no tenant {tenant} or no application {client_id}")
        return self._token(tenant_id, client_id.lower(), app, "https://graph.microsoft.com/.default", "")

    def _token(self, tenant_id: str, client_id: str, app: App, scope: str, issuer: str) -> str:
        now = int(time.time())
        payload = {
            "aud": scope.removesuffix("/.default"),
            "iss": f"{issuer}/{tenant_id}/",
            "iat": now,
            "nbf": now,
            "exp": now + self._lifetime,
            "appid": client_id,
            "idtyp": "app",
            "roles": sorted(app.permissions),
            "tid": tenant_id,
            "uti": uuid.uuid4().hex,
            "ver": "1.0",
        }
        head = _encode(orjson.dumps({"typ": "JWT", "alg": "HS256"}))
        text = f"{head}.{_encode(orjson.dumps(payload))}"
        return f"{text}.{self._sign(text)}"

    def _sign(self, text: str) -> str:
        return _encode(hmac.digest(self._key, text.encode("ascii"), hashlib.sha256))

    def check(self, authorization: str | None) -> Claims:
        """Read an Authorization header. Raises GraphError 401 when it is missing, bad or expired."""
        scheme, _, token = (authorization or "").partition(" ")
        token = token.strip()
        if not token or scheme.lower() != "bearer":
            raise errors.bad_token("Access token is empty.")
        text, _, signature = token.rpartition(".")
        try:
            genuine = hmac.compare_digest(signature, self._sign(text))
            claims = orjson.loads(_decode(text.partition(".")[2])) if genuine else {}
        except (UnicodeEncodeError, TypeError, ValueError) as error:
            raise errors.bad_token("CompactToken parsing failed with error code: 80049217") from error
        if not claims:
            raise errors.bad_token("Signature is invalid.")
        if claims["exp"] <= time.time():
            raise errors.bad_token("Lifetime validation failed, the token is expired.")
        return Claims(claims["tid"], claims["appid"], frozenset(claims["roles"]))

    def app(self, client_id: str) -> App:
        """The registration behind a checked token."""
        return self._apps[client_id]


def _refusal(status: int, error: str, code: int, message: str) -> tuple[int, dict[str, Any]]:
    trace, correlation = str(uuid.uuid4()), str(uuid.uuid4())
    stamp = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    return status, {
        "error": error,
        "error_description": (
            f"AADSTS{code}: {message} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {stamp}"
        ),
        "error_codes": [code],
        "timestamp": stamp,
        "trace_id": trace,
        "correlation_id": correlation,
    }
