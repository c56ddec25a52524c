"""The domain controllers of one source, in the order of the configuration: the next one where one cannot be reached.

A refused bind ends the search for one: repeated elsewhere it would lock the account. So do a certificate that cannot
be verified and a setting that is wrong, which no other server makes right.
"""

from recon.config import AdSource
from recon.errors import SourceError
from recon.sources.ldap.session import NoConnectionError, Session

_LOST_BEFORE_NEXT = 2  # connections to one server, until another is taken first


class Controllers:
    """Opens sessions for one read. The password is used for binding alone and is in no repr."""

    def __init__(self, source: AdSource, password: str | None) -> None:
        if not source.url:
            raise SourceError(f"[ad] {source.name}: no url is configured")
        self._source = source
        self._password = password
        self._place = 0
        self._lost = 0
        self.passed_over: list[str] = []  # what was wrong with those that could not be reached

    def connect(self) -> Session:
        """A signed-in session with the server used last, else with the next that can be reached.

        Raises NoConnectionError when none can be reached, and at once what else Session raises.
        """
        urls = self._source.url
        failures: list[NoConnectionError] = []
        for _ in urls:
            try:
                session = Session(self._source, self._password, urls[self._place])
            except NoConnectionError as error:
                failures.append(error)
                self._move_on()
                continue
            self.passed_over += [str(error) for error in failures]
            return session
        if len(failures) == 1:
            raise failures[0]
        reasons = "; ".join(map(str, failures))
        raise NoConnectionError(
            f"none of {len(urls)} domain controllers can be reached: {reasons}", hint=failures[0].hint
        ) from failures[-1]

    def lost(self) -> None:
        """The connection was lost while it was used: a server that loses two stands behind the others."""
        self._lost += 1
        if self._lost == _LOST_BEFORE_NEXT:
            self._move_on()

    def _move_on(self) -> None:
        self._place = (self._place + 1) % len(self._source.url)
        self._lost = 0
