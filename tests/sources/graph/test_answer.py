import json

import pytest

from recon.errors import AccessError, RestartError, SignInError, SourceError, TransientError
from recon.sources.graph.answer import Answer, NotDoneError, error_codes, failure


def answer(status, body=None, **headers):
    data = b"" if body is None else json.dumps(body).encode()
    return Answer(status, {name.replace("_", "-"): text for name, text in headers.items()}, data)


def error(code, message="m", inner_code=""):
    return {"error": {"code": code, "message": message, "innerError": {"code": inner_code}}}


def test_codes_are_read_from_the_outside_in_whatever_the_spelling():
    body = {"error": {"code": "A", "innererror": {"code": "B", "InnerError": {"code": "C"}}}}
    assert error_codes(body) == ("A", "B", "C")


@pytest.mark.parametrize("body", [None, [], "text", {"error": "text"}, {"error": {"code": 5}}, {"value": []}])
def test_no_codes_in_what_is_no_error_body(body):
    assert error_codes(body) == ()


def test_a_body_that_nests_without_end_is_read_to_a_bound():
    body = {"code": "X"}
    for _ in range(100):
        body = {"code": "X", "innerError": body}
    assert len(error_codes({"error": body})) == 16


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (429, "TooManyRequests", NotDoneError),
        (409, "Directory_ConcurrencyViolation", NotDoneError),
        (500, "generalException", TransientError),
        (502, "", TransientError),
        (503, "serviceNotAvailable", TransientError),
        (504, "", TransientError),
        (400, "Directory_ExpiredPageToken", RestartError),
        (401, "InvalidAuthenticationToken", SignInError),
        (403, "Authorization_RequestDenied", AccessError),
        (400, "Request_BadRequest", SourceError),
        (409, "conflict", SourceError),
        (404, "Request_ResourceNotFound", SourceError),
        (501, "NotImplemented", SourceError),
        (302, "", SourceError),
    ],
)
def test_class_follows_status_and_code(status, code, kind):
    found = failure("GET /users", answer(status, error(code)), 0.0)
    assert type(found) is kind
    assert str(found).startswith(f"GET /users: HTTP {status} {code}".rstrip())


def test_an_inner_code_decides_too():
    body = error("Request_BadRequest", inner_code="Directory_ExpiredPageToken")
    assert type(failure("GET /users", answer(400, body), 0.0)) is RestartError


def test_the_message_never_decides():
    body = error("Request_BadRequest", "TooManyRequests Directory_ExpiredPageToken, please retry")
    assert type(failure("GET /users", answer(400, body), 0.0)) is SourceError


def test_403_names_the_permission():
    found = failure("GET /users", answer(403, error("Authorization_RequestDenied")), 0.0, permission="User.Read.All")
    assert found.hint == "grant the application permission User.Read.All and admin consent"


def test_retry_after_travels_with_the_error():
    found = failure("x", answer(503, None, Retry_After="2.128"), 0.0)
    assert isinstance(found, TransientError)
    assert found.retry_after == 2.128


def test_what_the_server_says_is_masked_short_and_printable():
    body = error("Request_BadRequest", "Invalid \x1b[31mvalue jane.doe@example.com\n" + "y" * 1000)
    text = str(failure("PATCH /users", answer(400, body, request_id="abc-1"), 0.0))
    assert "j***@e***.com" in text
    assert "jane.doe" not in text
    assert "\x1b" not in text
    assert "\n" not in text
    assert len(text) < 450
    assert text.endswith("(request-id abc-1)")
