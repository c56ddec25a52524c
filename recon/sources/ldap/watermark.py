"""Where an increment of Active Directory begins: a USN of one domain controller, or a DirSync cookie.

A USN means something on the controller that gave it alone: uSNChanged is not replicated, and a restored controller
counts again from an older number under a new invocationId ([MS-ADTS] 3.1.1.1.9). A cookie carries the whole up-to-date
vector and serves on every controller of the domain ([MS-ADTS] 3.1.1.3.4.1.3). The text is JSON and holds no secret.
"""

import hashlib
import json
from dataclasses import asdict, dataclass

from recon import __version__
from recon.config import AdSource
from recon.decode.keys import EmployeeIdRules
from recon.errors import WatermarkError
from recon.objects import TABLES, TABLES_OF_KIND
from recon.sources.ldap.rootdse import RootDse


@dataclass(frozen=True, slots=True)
class Watermark:
    """`usn`: highestCommittedUSN before the read. `cookie`: base64, None by uSN. `read`: what was read, and how.

    `is_after_full`: that read was a full one; of a watermark that does not say so it is assumed.
    """

    way: str  # usn or dirsync
    domain: str
    controller: str | None
    invocation_id: str | None
    usn: int
    read: str
    cookie: str | None = None
    is_after_full: bool = True

    def text(self) -> str:
        """As it is stored."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def parse(cls, text: str) -> "Watermark":
        """Read a stored one. Raises WatermarkError for what is none."""
        try:
            found = cls(**json.loads(text))
        except (ValueError, TypeError) as error:
            raise WatermarkError("the stored watermark cannot be read") from error
        if found.way not in ("usn", "dirsync") or not isinstance(found.usn, int):
            raise WatermarkError("the stored watermark cannot be read")
        return found

    def check(self, root: RootDse, read: str) -> None:
        """Raise WatermarkError where an increment from here on this server would miss something."""
        if self.read != read:
            raise WatermarkError("what is read, or how, has changed since the last load")
        if root.naming_context is None or self.domain != root.naming_context.lower():
            raise WatermarkError(f"the last load read {self.domain}, this server holds {root.naming_context}")
        if self.way == "dirsync":
            return
        here = root.dns_host_name or "this domain controller"
        if root.invocation_id is None or root.highest_usn is None:
            raise WatermarkError(f"{here} does not tell its invocationId or its highestCommittedUSN")
        if self.invocation_id != root.invocation_id:
            what = "was restored or set up anew" if self.controller == root.dns_host_name else "is another one"
            raise WatermarkError(
                f"the last load read {self.controller} (invocationId {self.invocation_id}); "
                f"{here} {what} (invocationId {root.invocation_id})"
            )
        if root.highest_usn < self.usn:
            raise WatermarkError(
                f"{here} stands at USN {root.highest_usn}, before the last load's {self.usn}: it was set back"
            )


def reading_mark(source: AdSource, ids: EmployeeIdRules) -> str:
    """A short mark of everything that decides how objects become rows; another one asks for a full read."""
    columns = [(name, [column.name for column in TABLES[name].columns]) for name in TABLES_OF_KIND["ad"]]
    told = repr((__version__, sorted(source.objects), source.bases, sorted(source.attributes), ids, columns))
    return hashlib.blake2b(told.encode(), digest_size=8).hexdigest()
