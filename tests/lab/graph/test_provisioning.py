"""bulkUpload, the job's schema and the provisioning log: held against the published description, refusals first."""

from pathlib import Path

import orjson
import pytest
import yaml
from openapi_core import OpenAPI
from openapi_core.contrib.requests import RequestsOpenAPIRequest, RequestsOpenAPIResponse

from recon.lab.graph import App, GraphSimulator
from recon.lab.graph.inprocess import InProcessGraph
from recon.lab.graph.provisioning import ProvisioningJob
from recon.lab.graph.throttle import Limits
from recon.sources.graph.jsontext import read_json
from tests.support.graph import ADA, JUERGEN, TENANT, Graph, tenant

SP, JOB = "5b1e0000-0000-0000-0000-000000000001", f"API2AAD.{TENANT}.1"
CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
URN = "urn:ietf:params:scim:schemas:extension:contoso:1.0:User"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
PATH = f"/servicePrincipals/{SP}/synchronization/jobs/{JOB}"
ALL = ("SynchronizationData-User.Upload", "Synchronization.Read.All", "ProvisioningLog.Read.All")
FILE = Path(__file__).parents[2] / "data" / "graph-subset.openapi.yaml"


def schema():
    def attribute(source, target, priority=0):
        return {"source": {"name": source, "type": "Attribute"}, "targetAttributeName": target,
                "matchingPriority": priority}  # fmt: skip

    clause = {"operatorName": "EQUALS", "sourceOperandName": f"{URN}:Company", "targetOperand": {"values": ["Contoso"]}}
    mapping = {
        "enabled": True,
        "flowTypes": "Update",
        "scope": {"groups": [{"name": "hybrid", "clauses": [clause]}]},
        "attributeMappings": [
            attribute("externalId", "employeeId", 1),
            attribute(f"{URN}:PersonalEmail", "otherMails"),
            attribute(f"{URN}:CountryCode", "usageLocation"),
        ],
    }
    rule = {"targetDirectoryName": "Microsoft Entra ID", "objectMappings": [mapping]}
    return {"id": JOB, "version": "1", "synchronizationRules": [rule], "directories": []}


def operation(external_id, bulk_id="b1", **values):
    data = {"schemas": [CORE, ENTERPRISE, URN], "externalId": external_id, URN: {"Company": "Contoso"} | values}
    return {"method": "POST", "path": "/Users", "bulkId": bulk_id, "data": data}


def document(*operations):
    return {"schemas": [BULK], "failOnErrors": None, "Operations": list(operations)}


def simulator(permissions=ALL, *, job=None, **options):
    made = GraphSimulator([tenant()], apps={"app": App("lab-secret", permissions)}, **options)
    made.add_job(TENANT, job or ProvisioningJob(SP, JOB, schema()))
    return made


def upload(made, body, content_type="application/scim+json"):
    """Status of one upload."""
    client = InProcessGraph(made, TENANT, "app")
    data = body if isinstance(body, bytes) else orjson.dumps(body)
    headers = {"Content-Type": content_type}
    return client.send("POST", f"{PATH}/bulkUpload", headers=headers, body=data, accept=range(400, 600)).status


def log(made, text=f"jobId eq '{JOB}'", **more):
    client = InProcessGraph(made, TENANT, "app")
    return read_json(client.send("GET", "/auditLogs/provisioning", {"$filter": text} | more).body)


def verdicts(made):
    found = [(each["sourceIdentity"]["id"], each["provisioningStatusInfo"]) for each in log(made)["value"]]
    return [(key, info["status"], (info["errorInformation"] or {}).get("errorCode")) for key, info in found]


def test_an_upload_is_applied_after_the_delay_and_then_logged():
    made = simulator(job=ProvisioningJob(SP, JOB, schema(), delay=300, log_delay=60))
    assert upload(made, document(operation("1001", PersonalEmail="a@mail.example", CountryCode="CH"))) == 202
    assert made.user(TENANT, ADA)["otherMails"] == []
    assert verdicts(made) == []
    made.advance(seconds=301)
    assert verdicts(made) == []  # applied, and not yet in the log
    assert made.user(TENANT, ADA)["otherMails"] == ["a@mail.example"]
    assert made.user(TENANT, ADA)["usageLocation"] == "CH"
    assert {(each.property, each.client_request_id) for each in made.writes} == {
        ("otherMails", "b1"), ("usageLocation", "b1"),
    }  # fmt: skip
    made.advance(seconds=60)
    assert verdicts(made) == [("1001", "success", None)]


def test_who_is_not_written_and_why():
    made = simulator()
    made.change_user(TENANT, JUERGEN, employeeId="1001")
    outside = operation("1001", "b3", PersonalEmail="a@mail.example")
    outside["data"][URN]["Company"] = "contoso"
    double = operation("1001", "b1", PersonalEmail="a@mail.example")
    assert upload(made, document(double, operation("9", "b2", PersonalEmail="x@mail.example"), outside)) == 202
    assert verdicts(made) == [
        ("1001", "failure", "DuplicateTargetEntries"),
        ("9", "skipped", "NoMatch"),
        ("1001", "skipped", "NotEffectivelyEntitled"),
    ]
    assert made.writes == []


def test_what_stands_there_is_not_written_again():
    made = simulator()
    for _ in range(2):
        assert upload(made, document(operation("1002", PersonalEmail="jm@example.net"))) == 202
    assert verdicts(made) == [("1002", "skipped", "RedundantExport")] * 2
    assert made.writes == []


def test_a_job_that_does_not_run_takes_uploads_and_logs_nothing():
    made = simulator(job=ProvisioningJob(SP, JOB, schema(), is_running=False))
    assert upload(made, document(operation("1001", PersonalEmail="a@mail.example"))) == 202
    assert verdicts(made) == []
    assert made.user(TENANT, ADA)["otherMails"] == []


def without(name):
    changed = operation("1001")
    del changed["data"][name]
    return document(changed)


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        {"Operations": [operation("1001")]},
        document(),
        document(*(operation("1001", f"b{number}") for number in range(51))),
        document(operation("1001"), operation("1002")),
        without("externalId"),
        without("schemas"),
        document({**operation("1001"), "path": "/Groups"}),
    ],
)
def test_malformed_requests_are_400(body):
    made = simulator()
    assert upload(made, body) == 400
    assert verdicts(made) == []


def test_content_type_permission_and_job():
    good = document(operation("1001"))
    assert upload(simulator(), good, "application/json") == 400
    assert upload(simulator(("Synchronization.ReadWrite.All",)), good) == 403
    assert upload(simulator(job=ProvisioningJob(SP, "other", schema())), good) == 404


def test_forty_calls_in_five_seconds_and_the_allowance_of_a_day():
    now = [0.0]
    made = simulator(limits=Limits(uploads_a_day=(41, 86_400)), monotonic=lambda: now[0])
    good = document(operation("1001", PersonalEmail="a@mail.example"))
    assert [upload(made, good) for _ in range(41)] == [202] * 40 + [429]
    now[0] += 5
    assert [upload(made, good), upload(made, good)] == [202, 429]


def test_the_log_in_pages_and_by_time():
    made = simulator()
    upload(made, document(*(operation("9", f"b{number}") for number in range(5))))
    first = log(made, **{"$top": "2"})
    assert len(first["value"]) == 2
    link = first["@odata.nextLink"]
    assert link.endswith("$skiptoken=2")
    when = log(made)["value"][0]["activityDateTime"]
    assert log(made, f"jobId eq '{JOB}' and activityDateTime gt {when}")["value"] == []
    assert len(log(made, f"jobid eq '{JOB}' and activityDateTime gt 2020-01-01T00:00:00Z")["value"]) == 5
    assert log(made, "jobId eq 'another'")["value"] == []


def test_answers_are_as_published():
    description = yaml.load(FILE.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    with simulator() as made:
        api = OpenAPI.from_dict(description | {"servers": [{"url": f"{made.url}/v1.0"}], "security": []})
        graph = Graph(made, "app")
        upload(made, document(operation("1001", PersonalEmail="a@mail.example"), operation("9", "b2")))
        for path in (f"{PATH}/schema", "/auditLogs/provisioning"):
            answer = graph.get(path)
            assert answer.status_code == 200
            api.validate_response(RequestsOpenAPIRequest(answer.request), RequestsOpenAPIResponse(answer))
        graph.session.close()
