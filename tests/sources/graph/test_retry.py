import pytest

from recon.errors import SourceError, TransientError
from recon.sources.graph.retry import Patience, retry_after

NOW = 1_767_225_600.0  # 2026-01-01 00:00:00 UTC


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("10", 10.0),
        ("2.128", 2.128),
        ("0", 0.0),
        (" 7 ", 7.0),
        ("Thu, 01 Jan 2026 00:00:30 GMT", 30.0),
        ("Wed, 31 Dec 2025 23:59:00 GMT", 0.0),
        ("soon", None),
        ("Mon, 01 Jan 99999999999999999999 00:00:00 GMT", None),
        ("Mon, 01 Jan 2026 00:00:00 +99999999", None),
        ("-3", None),
        ("nan", None),
        ("inf", None),
        ("", None),
    ],
)
def test_retry_after_reads_numbers_and_dates(text, seconds):
    assert retry_after({"Retry-After": text}, NOW) == seconds


def test_retry_after_is_case_blind_and_may_be_missing():
    assert retry_after({"retry-after": "4"}, NOW) == 4.0
    assert retry_after({"Date": "4"}, NOW) is None


class Attempts:
    def __init__(self, *errors):
        self.errors = list(errors)

    def __call__(self):
        if self.errors:
            raise self.errors.pop(0)
        return "done"


def test_waits_as_long_as_the_server_asks():
    slept = []
    patience = Patience(tries=3, sleep=slept.append)
    assert patience.call(Attempts(TransientError("x", retry_after=2.5), TransientError("x", retry_after=7))) == "done"
    assert slept == [2.5, 7]
    assert (patience.waits, patience.waited) == (2, 9.5)


def test_a_date_that_our_clock_is_past_is_no_reason_to_hurry():
    slept = []
    patience = Patience(tries=4, sleep=slept.append, jitter=lambda: 1.0)
    patience.call(Attempts(*[TransientError("x", retry_after=0.0) for _ in range(4)]))
    assert slept == [1, 2, 4, 8]


def test_backs_off_when_the_server_says_nothing():
    slept = []
    patience = Patience(tries=8, sleep=slept.append, jitter=lambda: 1.0)
    patience.call(Attempts(*[TransientError("x") for _ in range(8)]))
    assert slept == [1, 2, 4, 8, 16, 32, 60, 60]


def test_gives_up_after_the_last_try_and_says_so():
    slept = []
    patience = Patience(tries=2, sleep=slept.append, jitter=lambda: 1.0)
    with pytest.raises(TransientError, match=r"^GET /users: HTTP 503; gave up after 3 tries and 3 s of waiting$"):
        patience.call(Attempts(*[TransientError("GET /users: HTTP 503") for _ in range(9)]))
    assert slept == [1, 2]


def test_does_not_wait_beyond_the_bound():
    slept = []
    patience = Patience(tries=5, sleep=slept.append, longest_call=100)
    with pytest.raises(TransientError, match=r"gave up after 2 tries and 60 s of waiting \(another 41 s asked for\)"):
        patience.call(Attempts(TransientError("x", retry_after=60), TransientError("x", retry_after=41)))
    assert slept == [60]


def test_other_errors_are_not_tried_again():
    attempts = Attempts(SourceError("HTTP 400"), SourceError("never"))
    with pytest.raises(SourceError, match="HTTP 400"):
        Patience(tries=5, sleep=pytest.fail).call(attempts)
    assert len(attempts.errors) == 1
