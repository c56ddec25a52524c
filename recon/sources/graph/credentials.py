"""Who signs in, and where: azure-identity's credentials for the clouds, a small one for a rehearsal on loopback.

Secrets come from the environment or a keyring, never from recon.toml; none is shown in an error or a repr.
"""

import logging
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
from azure.core.credentials import AccessToken, AccessTokenInfo, TokenCredential, TokenRequestOptions

from recon.config import EntraSource, is_loopback
from recon.decode.text import printable
from recon.errors import ConfigError, SignInError, SourceError, TransientError
from recon.sources.graph.causes import was_never_sent
from recon.sources.secrets import read_secret

if TYPE_CHECKING:
    from azure.identity import CertificateCredential

# cloud: Graph root, authority host
CLOUDS = {
    "global": ("https://graph.microsoft.com", "login.microsoftonline.com"),
    "usgov": ("https://graph.microsoft.us", "login.microsoftonline.us"),
    "dod": ("https://dod-graph.microsoft.us", "login.microsoftonline.us"),
    "china": ("https://microsoftgraph.chinacloudapi.cn", "login.chinacloudapi.cn"),
}

_log = logging.getLogger(__name__)


def graph_root(source: EntraSource) -> str:
    """Scheme and host of Graph for one [entra] section: graph_url, else the cloud's; without /v1.0."""
    if source.graph_url is None:
        return CLOUDS[source.cloud][0]
    return source.graph_url.rstrip("/").removesuffix("/v1.0").rstrip("/")


def credential_for(source: EntraSource, root: str, *, folder: Path = Path(), writer: bool = False) -> TokenCredential:
    """The credential of one [entra] section; nothing is sent yet.

    `writer`: the application for writing, where the section names one. Raises ConfigError when the secret, the
    certificate or the client id is missing.
    """
    has_writer = writer and source.writer_client_id is not None
    client_id = source.writer_client_id if has_writer else source.client_id
    secret_env = source.writer_secret_env if has_writer else source.secret_env
    parts = urlsplit(root)
    if parts.scheme == "http" and is_loopback(parts.hostname):
        return LoopbackCredential(root, source.tenant_id, _required(client_id, "client_id"), _secret(secret_env))
    kind = "secret" if has_writer else source.credential
    return _azure_credential(source, kind, client_id, secret_env, folder)


def _azure_credential(
    source: EntraSource, kind: str, client_id: str | None, secret_env: str, folder: Path
) -> TokenCredential:
    # azure-identity takes 0.15 s to import, and a rehearsal does not need it
    import azure.identity as identity

    options: dict[str, Any] = {}
    if source.ca_file is not None:
        options["connection_verify"] = str(folder / source.ca_file.expanduser())
    authority = CLOUDS[source.cloud][1]
    match kind:
        case "certificate":
            return _certificate(source, _required(client_id, "client_id"), folder, authority, options)
        case "secret":
            return identity.ClientSecretCredential(
                source.tenant_id, _required(client_id, "client_id"), _secret(secret_env), authority=authority, **options
            )
        case "managed_identity":
            return identity.ManagedIdentityCredential(client_id=client_id)
        case "workload_identity":
            try:
                return identity.WorkloadIdentityCredential(
                    tenant_id=source.tenant_id, client_id=client_id, authority=authority, **options
                )
            except ValueError as error:
                raise ConfigError("[entra] workload_identity: AZURE_FEDERATED_TOKEN_FILE is not set") from error
        case "device_code":
            return identity.DeviceCodeCredential(
                _required(client_id, "client_id"),
                tenant_id=source.tenant_id,
                authority=authority,
                prompt_callback=_ask,
                **options,
            )
        case _:
            return identity.DefaultAzureCredential(authority=authority, **options)


def _ask(address: str, code: str, expires: datetime) -> None:
    # azure-identity would print it to stdout, which is for data
    _log.warning("To sign in, open %s and enter the code %s", printable(address), printable(code))


def _certificate(
    source: EntraSource, client_id: str, folder: Path, authority: str, options: dict[str, Any]
) -> "CertificateCredential":
    from azure.identity import CertificateCredential

    if source.certificate_file is None:
        raise ConfigError("[entra] credential certificate: certificate_file is missing")
    file = folder / source.certificate_file.expanduser()
    password = read_secret(source.certificate_password_env, None, None)
    try:
        return CertificateCredential(
            source.tenant_id,
            client_id,
            certificate_path=str(file),
            password=password.encode() if password else None,
            authority=authority,
            **options,
        )
    except OSError as error:
        raise ConfigError(f"[entra] certificate_file {file}: {error.strerror}") from error
    except (ValueError, TypeError) as error:
        raise ConfigError(
            f"[entra] certificate_file {file}: not a certificate with an RSA private key, or another password",
            hint=f"its password is read from {source.certificate_password_env}",
        ) from error


def _required(value: str | None, key: str) -> str:
    if not value:
        raise ConfigError(f"[entra] {key} is missing")
    return value


def _secret(env: str) -> str:
    secret = read_secret(env, None, None)
    if not secret:
        raise ConfigError(f"no client secret: {env} is not set", hint=f"export {env}, or name it in env_file")
    return secret


class LoopbackCredential:
    """Client credentials against a Graph address on this machine; azure-identity refuses http authorities.

    Posts to {root}/{tenant}/oauth2/v2.0/token. Refuses every host that is not loopback.
    """

    def __init__(self, root: str, tenant_id: str, client_id: str, secret: str, *, timeout: float = 30) -> None:
        if not is_loopback(urlsplit(root).hostname):
            raise ConfigError("a secret is sent over http to a loopback address only")
        self._url = f"{root}/{tenant_id}/oauth2/v2.0/token"
        self._client_id = client_id
        self._secret = secret
        self._timeout = timeout

    def __repr__(self) -> str:
        return f"LoopbackCredential({self._url!r}, {self._client_id!r})"

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """A token for the scopes. Raises SignInError when it is refused, TransientError without an answer."""
        token = self.get_token_info(*scopes)
        return AccessToken(token.token, token.expires_on)

    def get_token_info(self, *scopes: str, options: TokenRequestOptions | None = None) -> AccessTokenInfo:
        """The same, as azure-core's policy asks for it."""
        form = {
            "grant_type": "client_credentials",
            "client_id": self._client_id,
            "client_secret": self._secret,
            "scope": " ".join(scopes),
        }
        with requests.Session() as session:
            session.trust_env = False
            try:
                answer = session.post(self._url, data=form, timeout=self._timeout, allow_redirects=False)
            except requests.RequestException as error:
                host = urlsplit(self._url).netloc.rpartition("@")[2]
                if was_never_sent(error):
                    raise SourceError(f"{host} cannot be reached", hint="check graph_url in [entra]") from error
                raise TransientError(f"sign-in at {host}: no answer") from error
        try:
            body = answer.json()
        except ValueError:
            body = {}
        body = body if isinstance(body, dict) else {}
        if answer.status_code >= 500 or answer.status_code == 429:
            raise TransientError(f"sign-in: HTTP {answer.status_code}")
        token = body.get("access_token")
        if answer.status_code != 200 or not isinstance(token, str):
            code = printable(str(body.get("error", f"HTTP {answer.status_code}"))[:80])
            raise SignInError(f"sign-in refused: {code}", hint="check tenant_id, client_id and the client secret")
        lifetime = body.get("expires_in")
        seconds = lifetime if isinstance(lifetime, int) else 3599
        return AccessTokenInfo(token, int(time.time()) + seconds)
