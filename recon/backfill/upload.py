"""Carrying out a plan by bulk upload: the provisioning service writes, and its log says what became of each item.

Rounds of at most 50 users, one at a time; the way of each is the point of this module:
    1. re-read                    skip whose precondition no longer holds, exactly as before a PATCH
    2. the day's allowance        counted in the store before the request goes
    3. intents, synced to disk    from here on a crash leaves a trace
    4. POST                       202: staged, not done. A lost answer may be staged too. 429: not done, sent again
    5. the provisioning log       read while further rounds go, until each item has its outcome
The log is silent for longer than configured: the user is read, and the value decides. Not there and known to be staged:
failed. Not there and the answer was lost: sent again, which at worst repeats the same value. A log entry that says
anything but an update of this very user stops the run at once: the schema that was audited is not what is running.
"""

import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from recon.backfill.course import Course, Work
from recon.backfill.items import Item, Value
from recon.backfill.journal import BULK_UPLOAD, DONE, FAILED, SKIPPED, Journal, may_have_landed, read_entries
from recon.backfill.lanes import Lanes
from recon.backfill.pacing import LONGEST_PAUSE, Pacer, Quota
from recon.backfill.plan import Plan
from recon.backfill.precondition import LOST, NOT_DONE, Reply, Skip, Write, current_value, has_landed
from recon.backfill.reread import reread
from recon.backfill.result import Result
from recon.backfill.uploader import CALLS, CALLS_SECONDS, MOST_OPERATIONS, LogEntry, Uploader
from recon.errors import SourceError

ACCEPTED = 202
_NOT_STAGED = frozenset({NOT_DONE, 400, 429})
_FOR_EVER = float("inf")
_LONGEST_SLEEP = 1.0
_FIRST_LOOK, _LOOK_SECONDS = 1.0, 30.0  # before a look at the log: after a round that was not full, and at most


_Ready = tuple[Work, Write, str]  # with the bulk id


@dataclass(eq=False)
class _Sent:
    """One item whose operation may be staged. `at`: of the intent; `deadline`: until when the log is waited for."""

    work: Work
    at: str
    deadline: float
    reading_at: float | None = None  # of the re-read before it; None when an earlier run sent it
    is_accepted: bool = False


class Upload(Course):
    """One run over one plan by bulk upload; see Course. `run` may be called once.

    `make`: an item and an id as an operation, or why it is none. `allowance`: counts one request, or says no.
    """

    way = BULK_UPLOAD

    def __init__(
        self,
        plan: Plan,
        journal: Journal,
        lanes: Lanes,
        read_pacer: Pacer,
        uploader: Uploader,
        make: Callable[[Item, str], Mapping[str, Any] | Skip],
        allowance: Callable[[], bool],
        *,
        log_seconds: float,
        **options: Any,
    ) -> None:
        super().__init__(plan, journal, **options)
        self.lanes, self.read_pacer, self.uploader = lanes, read_pacer, uploader
        self.make, self.allowance, self.log_seconds = make, allowance, log_seconds
        self.pacer = Pacer(1.0, burst=1, quota=Quota(CALLS, CALLS_SECONDS), clock=self.clock)
        self._sent: dict[str, _Sent] = {}  # by object id, lower case: one operation of a user at a time
        self._used: set[str] = set()  # log entries that have said their word
        self._left: set[str] = set()  # users of whom something is in doubt for good, in this run
        self._next_look, self._look_pause = self.clock(), _FIRST_LOOK
        self._is_alarmed = False

    def run(self, user: str, **facts: object) -> Result:
        """Carry out what is left of the plan. Raises PlanError when the journal cannot be written, StoreError when
        the allowance cannot be counted (nothing more is sent then), and what re-read, upload and log raise."""
        self.begin(user, facts)
        self._resume()
        todo = self.todo()
        while self._turn(todo):
            self.journal.sync()
            self.stops.judge()
        self.journal.sync()
        result = self.conclusion()
        result.is_allowance_over = result.is_allowance_over and result.left > 0 and result.stopped is None
        return result

    def _resume(self) -> None:
        """What earlier runs sent and have no outcome of: still to come from the log, or known not to be staged."""
        doubtful = self.journal.state.intents
        self._used = {str(entry["log_id"]) for entry in read_entries(self.journal.path) if "log_id" in entry}
        for number, item in enumerate(self.plan.items()):
            if (intent := doubtful.get(number)) is None:
                continue
            work = Work(number, item, sent=tuple(intent["after"]) if may_have_landed(intent) else None)
            if intent.get("answered") in _NOT_STAGED:
                self.again.append(work)
                continue
            age = datetime.fromisoformat(self.now()) - datetime.fromisoformat(str(intent["at"]))
            left = max(self.log_seconds - max(age.total_seconds(), 0.0), 0.0)
            is_accepted = intent.get("answered") == ACCEPTED
            key = item.object_id.lower()
            self._sent[key] = _Sent(work, str(intent["at"]), self.clock() + left, is_accepted=is_accepted)

    # ---- one turn

    @property
    def _may_begin(self) -> bool:
        return not (self.waiting.is_stopped or self.stops.is_stopping or self.result.is_allowance_over)

    def _turn(self, todo: Iterator[Work]) -> bool:
        """Send a round, look at the log, or wait; False when the run is over."""
        if self.waiting.is_stopped or self._is_alarmed:
            return False
        if self._sent and self._next_look <= self.clock():
            self._look()
            return True
        pause = self.pacer.pause(1) if self._may_begin else _FOR_EVER
        if pause == 0.0:
            works = self._next_round(todo)
            if works:
                self._round(works)
                return True
            now = self.clock()
            # what is due and cannot go waits for an outcome
            pause = min((work.not_before - now for work in self.again if work.not_before > now), default=_FOR_EVER)
        if self._sent:
            pause = min(pause, max(self._next_look - self.clock(), 1e-3))
        if pause == _FOR_EVER:
            return False
        self.waiting(min(pause, _LONGEST_SLEEP))
        return True

    def _next_round(self, todo: Iterator[Work]) -> list[Work]:
        """Up to 50 items, those that wait first; no user and no employee id twice, here or on its way."""
        size = MOST_OPERATIONS
        if self.stops.canary_left:
            size = min(size, self.stops.canary_left - len(self._sent))
        busy = self._left | set(self._sent) | {str(sent.work.item.employee_id) for sent in self._sent.values()}
        works: list[Work] = []
        waiting: list[Work] = []

        def is_free(work: Work) -> bool:
            return busy.isdisjoint((work.item.object_id.lower(), str(work.item.employee_id)))

        def choose(work: Work) -> None:
            works.append(work)
            busy.update((work.item.object_id.lower(), str(work.item.employee_id)))

        for work in self.again:
            if len(works) < size and work.not_before <= self.clock() and is_free(work):
                choose(work)
            else:
                waiting.append(work)
        while len(works) < size and len(waiting) < self.limits.backlog and (fresh := next(todo, None)) is not None:
            if is_free(fresh):
                choose(fresh)
            else:
                waiting.append(fresh)
        self.again = waiting
        return works

    # ---- sending

    def _round(self, works: list[Work]) -> None:
        reading_at = self.clock()
        ready = self._reread(works)
        if not ready:
            return
        if self.waiting.is_stopped or not self.allowance():
            self.result.is_allowance_over = not self.waiting.is_stopped
            self.again += [work for work, _, _ in ready]
            return
        operations = []
        for work, write, bulk_id in ready:
            made = self.make(work.item, bulk_id)
            assert not isinstance(made, Skip)  # told apart when it was re-read
            operations.append(made)
            self.intend(work, write, bulk_id)
        at = self.now()
        self.journal.sync()
        self.pacer.take(1)
        try:
            reply = self.uploader.post(operations)
        except SourceError:
            self._attempts(ready, Reply(NOT_DONE))
            self.journal.sync()
            raise
        self.result.calls[f"upload {reply.status}"] += 1
        self._take_answer(ready, reply, at, reading_at)

    def _reread(self, works: list[Work]) -> list[_Ready]:
        """The items that may be sent, each with its bulk id; the others have got their outcome, or wait."""
        by_number = {work.number: work for work in works}
        ready: list[_Ready] = []
        items = [(work.number, work.item) for work in works]
        for number, item, reply in reread(items, self.lanes, self.read_pacer, waiting=self.waiting, clock=self.clock):
            work = by_number.pop(number)
            self.result.calls[f"read {reply.status}"] += 1
            if reply.is_passing:
                self.postpone(work, reply)
                continue
            verdict = self.judge(work, reply)
            bulk_id = str(uuid.uuid4())
            if isinstance(verdict, Write) and isinstance(made := self.make(item, bulk_id), Skip):
                verdict = made
            if (write := self.settle(work, verdict)) is not None:
                ready.append((work, write, bulk_id))
        self.again += by_number.values()  # a request to stop came in between
        return ready

    def _take_answer(self, ready: list[_Ready], reply: Reply, at: str, reading_at: float) -> None:
        if reply.status == 400:
            for work, _, _ in ready:
                self._fail(work, "refused", reply)
            return
        self._attempts(ready, reply)
        if reply.status not in _NOT_STAGED:  # an answer that says neither is like a lost one
            for work, write, _ in ready:
                work.sent = write.after
                key, deadline = work.item.object_id.lower(), self.clock() + self.log_seconds
                self._sent[key] = _Sent(work, at, deadline, reading_at, is_accepted=reply.status == ACCEPTED)
            if len(ready) < MOST_OPERATIONS:  # the canary, or the end: somebody waits for the outcome
                self._look_pause = _FIRST_LOOK
                self._next_look = min(self._next_look, self.clock() + _FIRST_LOOK)
            return
        self.pacer.give_back(1)
        self.pacer.refused(reply.retry_after)
        if reply.retry_after is not None and reply.retry_after > LONGEST_PAUSE:  # the end of the day's allowance
            self.result.is_allowance_over = True
        for work, _, _ in ready:
            self.postpone(work, reply)

    def _attempts(self, ready: list[_Ready], reply: Reply) -> None:
        for work, _, bulk_id in ready:
            self.attempt(work, reply, bulk_id)

    # ---- what the log says

    def _look(self) -> None:
        """Read the log once, to its end; give outcomes; read the users of whom it was silent for too long."""
        began = self.clock()
        asked: list[tuple[_Sent, LogEntry | None]] = []
        by_id = {str(sent.work.item.employee_id): sent for sent in self._sent.values()}
        for entry in self.uploader.log(min(sent.at for sent in self._sent.values())):
            if self.waiting.is_stopped:
                return
            sent = by_id.get(entry.source_id or "") or self._sent.get((entry.target_id or "").lower())
            if sent is None or not self._is_open(sent) or entry.id in self._used or entry.at <= sent.at:
                continue
            self._used.add(entry.id)
            if not self._take_entry(sent, entry):
                asked.append((sent, entry))
            if self._is_alarmed:
                break
        told = {id(sent) for sent, _ in asked}
        if not self._is_alarmed:
            overdue = (sent for sent in self._sent.values() if sent.deadline <= began and id(sent) not in told)
            asked += [(sent, None) for sent in overdue]
        self.journal.sync()
        if asked:
            self._ask(asked)
        self._next_look = self.clock() + self._look_pause
        self._look_pause = min(self._look_pause * 2, _LOOK_SECONDS)

    def _take_entry(self, sent: _Sent, entry: LogEntry) -> bool:
        """The outcome by the log; False when only the user can tell."""
        work = sent.work
        is_other = entry.is_of_another(work.item.object_id)
        if is_other or entry.is_forbidden:
            what = "was applied to another user" if is_other else f"became '{entry.action}'"
            self._forget(sent)
            self._fail(work, "wrong_user" if is_other else "wrong_action", Reply(ACCEPTED, code=entry.code), entry)
            self.stops.stop(
                f"the upload for worker {work.item.worker_id} {what} (provisioning log {entry.id}): "
                "STOP THE PROVISIONING JOB NOW, what was uploaded is still being applied"
            )
            self._is_alarmed = True
            return True
        if not entry.is_written or len(self.plan.attributes) > 1:  # the value shows which attribute it is about
            return False
        self._done(sent, "written", entry)
        return True

    def _done(self, sent: _Sent, reason: str, entry: LogEntry | None) -> None:
        self._forget(sent)
        more: dict[str, object] = {} if entry is None else {"log_id": entry.id}
        if sent.reading_at is not None and entry is not None:
            # from the re-read until we knew: the service wrote somewhere in between
            more["window_ms"] = window = round((self.clock() - sent.reading_at) * 1000, 1)
            self.result.windows_ms.append(window)
        self.outcome(sent.work, DONE, reason, Reply(ACCEPTED) if sent.is_accepted else None, **more)
        self.stops.done()

    def _fail(self, work: Work, reason: str, reply: Reply, entry: LogEntry | None = None) -> None:
        more: dict[str, object] = {} if entry is None else {"log_id": entry.id, "log_status": entry.status}
        self.outcome(work, FAILED, reason, reply, **more)
        self.result.troubles += 1
        self.stops.failed(reason, f"{reply.status} {reply.code or ''}".strip())

    def _is_open(self, sent: _Sent) -> bool:
        return self._sent.get(sent.work.item.object_id.lower()) is sent

    def _forget(self, sent: _Sent) -> None:
        self._sent.pop(sent.work.item.object_id.lower(), None)

    def _ask(self, asked: list[tuple[_Sent, LogEntry | None]]) -> None:
        """Let the value decide: there is done; else failed, or sent again when nobody knows whether it was staged."""
        by_number = {sent.work.number: (sent, entry) for sent, entry in asked if self._is_open(sent)}
        items = [(number, sent.work.item) for number, (sent, _) in by_number.items()]
        for number, item, reply in reread(items, self.lanes, self.read_pacer, waiting=self.waiting, clock=self.clock):
            sent, entry = by_number[number]
            value: Value | None = None
            if reply.is_success and reply.body is not None:
                value = current_value(item.attribute, reply.body)
            is_written = entry is not None and entry.is_written
            if value is not None and sent.work.sent is not None and has_landed(item, value, sent.work.sent):
                self._done(sent, "written" if is_written else "found", entry)
                continue
            if entry is not None and is_written and sent.deadline > self.clock():
                self._used.discard(entry.id)  # of the user's other attribute, or not to be seen yet: another look
                continue
            self._forget(sent)
            if reply.status == 404:
                self.outcome(sent.work, SKIPPED, "deleted", reply, detail="no such user any more")
            elif entry is not None and not is_written:
                self._fail(sent.work, "refused", Reply(ACCEPTED, code=entry.code), entry)
            elif value is None:
                self._left.add(item.object_id.lower())
                self.leave("the log is silent and the user cannot be read")
            elif sent.is_accepted:
                self._fail(sent.work, "no_outcome", Reply(ACCEPTED))
            else:
                self.postpone(sent.work, Reply(LOST))
