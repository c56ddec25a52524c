"""What all connections of one AD server share, and the switches it was started with."""

import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass

from recon.lab.adbind import Accounts
from recon.lab.addirectory import Directory
from recon.lab.adfaults import AdFaults
from recon.lab.adlog import AdLog


@dataclass(frozen=True, slots=True)
class AdSettings:
    """How the server behaves. Limits are AD's defaults; times in seconds."""

    requires_tls_for_bind: bool = False  # plain simple binds get strongerAuthRequired
    requires_channel_binding: bool = False  # binds over TLS get 80090346
    hidden_attributes: frozenset[str] = frozenset()  # folded names that the reader may not read
    max_page_size: int = 1000
    max_dirsync_objects: int = 1000  # of one DirSync answer
    max_result_sets: int = 10  # open paged searches per connection
    max_message: int = 10_485_760  # MaxReceiveBuffer
    idle_timeout: float = 900.0
    message_timeout: float = 30.0  # for one message to arrive, one chunk to be taken, one TLS handshake
    latency: float = 0.0  # before each answer to a search
    sleep: Callable[[float], None] = time.sleep  # how latency and delays are waited
    sends_references: bool = True
    host: str = "dc1"


@dataclass
class AdService:
    """What all connections of one server share."""

    directory: Directory
    accounts: Accounts
    settings: AdSettings
    faults: AdFaults
    log: AdLog
    tls: ssl.SSLContext | None
    pages: int = 0
