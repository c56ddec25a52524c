"""Where a source's password comes from: the environment or a keyring. It is handed on, never kept or shown."""

import os

from recon.errors import ConfigError


def read_secret(env: str, keyring_service: str | None, user: str | None) -> str | None:
    """The password of `user` from the keyring service, where one is configured, else from the environment.

    None when there is none. Raises ConfigError when the keyring cannot be asked.
    """
    if keyring_service is None:
        return os.environ.get(env)
    import keyring
    import keyring.errors

    try:
        return keyring.get_password(keyring_service, user or "")
    except keyring.errors.KeyringError as error:
        raise ConfigError(
            f"keyring {keyring_service!r} cannot be read: {type(error).__name__}",
            hint=f"unlock it, or drop `keyring` and set {env}",
        ) from error
