"""Where a password comes from."""

import keyring
import keyring.backend
import keyring.errors
import pytest

from recon.errors import ConfigError
from recon.sources.secrets import read_secret


class Ring(keyring.backend.KeyringBackend):
    """A keyring in memory; a locked one refuses."""

    priority = 1  # type: ignore[assignment]

    def __init__(self, *, locked: bool = False) -> None:
        super().__init__()
        self.locked = locked

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise keyring.errors.KeyringLocked("locked")
        return "from the ring" if (service, username) == ("recon-ad", "reader") else None

    def set_password(self, service: str, username: str, password: str) -> None:
        raise NotImplementedError

    def delete_password(self, service: str, username: str) -> None:
        raise NotImplementedError


@pytest.fixture
def ring():
    before = keyring.get_keyring()
    backend = Ring()
    keyring.set_keyring(backend)
    yield backend
    keyring.set_keyring(before)


def test_the_environment(monkeypatch):
    monkeypatch.setenv("RECON_TEST_SECRET", "from the environment")
    assert read_secret("RECON_TEST_SECRET", None, "reader") == "from the environment"
    monkeypatch.delenv("RECON_TEST_SECRET")
    assert read_secret("RECON_TEST_SECRET", None, "reader") is None


def test_the_keyring_stands_instead_of_the_environment(ring, monkeypatch):
    monkeypatch.setenv("RECON_TEST_SECRET", "from the environment")
    assert read_secret("RECON_TEST_SECRET", "recon-ad", "reader") == "from the ring"
    assert read_secret("RECON_TEST_SECRET", "recon-ad", "somebody") is None


def test_a_locked_keyring_is_one_clear_error(ring):
    ring.locked = True
    with pytest.raises(ConfigError, match="keyring 'recon-ad' cannot be read: KeyringLocked"):
        read_secret("RECON_TEST_SECRET", "recon-ad", "reader")
