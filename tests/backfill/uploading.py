"""A provisioning job on the Graph simulator, over HTTP, and one upload of a plan in time that only waiting moves."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from recon.backfill.items import Item
from recon.backfill.journal import Journal
from recon.backfill.lanes import Inline
from recon.backfill.pacing import Pacer, Waiting, read_quota
from recon.backfill.plan import Plan
from recon.backfill.precondition import Reply
from recon.backfill.result import Result
from recon.backfill.stops import Limits
from recon.backfill.upload import Upload
from recon.backfill.upload_plan import maker
from recon.backfill.uploader import GraphUploader, LogEntry
from recon.backfill.writer import GraphWriter
from recon.backfill_config import BulkUpload
from recon.decode.times import from_datetime
from recon.lab.graph import App, GraphSimulator, Tenant
from recon.lab.graph.provisioning import ProvisioningJob
from recon.sources.graph.client import GraphClient
from recon.sources.graph.credentials import LoopbackCredential
from recon.sources.graph.retry import Patience
from tests.backfill.make import TENANT
from tests.backfill.tenant import user_of

SP, JOB = "5b1e0000-0000-0000-0000-000000000001", f"API2AAD.{TENANT}.1"
URN = "urn:ietf:params:scim:schemas:extension:contoso:1.0:User"
SETTINGS = BulkUpload(service_principal_id=SP, job_id=JOB, urn=URN, columns={"worker_type": "WorkerType"})
READS = ("User.Read.All", "Synchronization.Read.All", "ProvisioningLog.Read.All")
UPLOADS = ("SynchronizationData-User.Upload",)


def attribute(source: str, target: str, priority: int = 0, kind: str = "Attribute") -> dict[str, Any]:
    """One attribute mapping."""
    return {"source": {"name": source, "type": kind}, "targetAttributeName": target, "matchingPriority": priority}


def schema(**mapping: Any) -> dict[str, Any]:
    """The schema of a sound job: updates only, employees, otherMails and usageLocation from our extension."""
    clause = {
        "operatorName": "EQUALS", "sourceOperandName": f"{URN}:WorkerType", "targetOperand": {"values": ["Employee"]},
    }  # fmt: skip
    sound: dict[str, Any] = {
        "enabled": True,
        "name": "users",
        "flowTypes": "Update",
        "scope": {"groups": [{"name": "hybrid", "clauses": [clause]}]},
        "attributeMappings": [
            attribute("externalId", "employeeId", 1),
            attribute(f"{URN}:PersonalEmail", "otherMails"),
            attribute(f"{URN}:CountryCode", "usageLocation"),
        ],
    }
    rule = {"targetDirectoryName": "Microsoft Entra ID", "objectMappings": [sound | mapping]}
    return {"id": JOB, "version": "1", "synchronizationRules": [rule], "directories": []}


@dataclass
class Office:
    """A tenant in which a plan may be written, its job, and the clients of a reader and of an uploader."""

    graph: GraphSimulator
    job: ProvisioningJob
    client: Callable[[str], GraphClient]
    reader: GraphClient
    uploader: GraphUploader
    clock: "SharedClock"
    allowed: Callable[[], bool] = lambda: True
    columns: dict[str, str] = field(default_factory=lambda: {"WorkerType": "Employee"})

    def upload(self, plan: Plan, **options: Any) -> Result:
        """One run; `settings` of the engine may be given."""
        with Journal(plan.journal_file) as journal:
            return self.engine(plan, journal, **options).run("tester")

    def engine(self, plan: Plan, journal: Journal, uploader: Any = None, **options: Any) -> Upload:
        """The engine of one run."""
        people = {(item.worker_source, item.worker_id): self.columns for item in plan.items()}
        usual: dict[str, Any] = {"limits": Limits(canary=0, max_failure_share=1.0), "log_seconds": 600.0}
        return Upload(
            plan,
            journal,
            Inline(GraphWriter(self.reader, self.reader, now=self.clock)),
            Pacer(1.0, quota=read_quota(plan.item_count), burst=800, clock=self.clock),
            uploader or self.uploader,
            maker(self.job.schema, SETTINGS, people),
            self.allowed,
            now=lambda: from_datetime(self.graph.service.clock.now()),
            clock=self.clock,
            **(usual | {"waiting": Elapsing(self.clock)} | options),
        )

    @property
    def uploads(self) -> list[int]:
        """The statuses of the bulk requests that arrived; 0 where the answer was lost."""
        return [each.status for each in self.graph.requests if each.target.endswith("/bulkUpload")]

    def written(self, plan: Plan) -> list[Any]:
        """What stands in the tenant now, item by item."""
        return [self.graph.user(TENANT, item.object_id)[item.attribute] for item in plan.items()]


class SharedClock:
    """Seconds that only waiting moves; the simulator's wall clock goes with it."""

    def __init__(self, graph: GraphSimulator) -> None:
        self.now, self._graph = 1000.0, graph

    def __call__(self) -> float:
        return self.now

    def pass_by(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds
        self._graph.advance(seconds=seconds)


class Elapsing(Waiting):
    """Waiting that takes no time of ours."""

    def __init__(self, clock: SharedClock) -> None:
        super().__init__()
        self._clock = clock

    def __call__(self, seconds: float) -> None:
        self._clock.pass_by(max(seconds, 0) + 1e-6)


@contextmanager
def office(items: Sequence[Item], **job: Any) -> Iterator[Office]:
    """The office for these items. `job`: options of the ProvisioningJob."""
    users = {item.object_id: user_of(item) for item in items}
    apps = {
        "reader": App("geheim", READS),
        "uploader": App("geheim", UPLOADS),
        "patcher": App("geheim", ("User.Read.All", "User-Mail.ReadWrite.All")),
    }
    made = ProvisioningJob(SP, JOB, job.pop("schema", None) or schema(), **job)
    with ExitStack() as stack:
        graph = stack.enter_context(GraphSimulator([Tenant(TENANT, users.values())], apps=apps))
        graph.add_job(TENANT, made)
        clock = SharedClock(graph)

        def client(name: str) -> GraphClient:
            credential = LoopbackCredential(graph.url, TENANT, name, "geheim")
            patience = Patience(tries=3 if name == "reader" else 0, sleep=clock.pass_by, jitter=lambda: 1.0)
            return stack.enter_context(GraphClient(graph.url, credential, patience=patience))

        reader = client("reader")
        yield Office(graph, made, client, reader, GraphUploader(reader, client("uploader"), SETTINGS), clock)


class Scripted:
    """The job of an office whose posts and log can be changed on their way."""

    def __init__(self, inner: GraphUploader, step: Callable[[str], None] = lambda _: None) -> None:
        self.inner, self.step = inner, step
        self.twist: Callable[[LogEntry], LogEntry] = lambda entry: entry

    def post(self, operations: Sequence[Mapping[str, Any]]) -> Reply:
        """Between intent and POST, between POST and answer."""
        self.step("between intent and POST")
        reply = self.inner.post(operations)
        self.step("between POST and answer")
        return reply

    def log(self, since: str) -> Iterator[LogEntry]:
        """Between answer and outcome."""
        for entry in self.inner.log(since):
            self.step("between answer and outcome")
            yield self.twist(entry)
