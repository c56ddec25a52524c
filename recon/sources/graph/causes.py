"""Why a request got no answer: read from the exceptions' classes, through all the layers that wrap them."""

from collections.abc import Iterator

import requests
import urllib3


def was_never_sent(error: BaseException) -> bool:
    """True when the connection was not even made, so that the request cannot have had an effect."""
    unsent = (
        urllib3.exceptions.NewConnectionError,
        urllib3.exceptions.ConnectTimeoutError,
        urllib3.exceptions.ProxyError,
        requests.ConnectTimeout,
    )
    return any(isinstance(cause, unsent) for cause in causes_of(error))


def causes_of(error: BaseException) -> Iterator[object]:
    """The error and everything it wraps: azure-core, requests and urllib3 each keep the inner one elsewhere."""
    pending: list[object] = [error]
    seen: set[int] = set()
    while pending:
        current = pending.pop()
        if not isinstance(current, BaseException) or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        pending += [
            current.__cause__,
            current.__context__,
            getattr(current, "inner_exception", None),
            getattr(current, "reason", None),
            *current.args,
        ]
