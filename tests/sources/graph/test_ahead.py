"""Pages and batches on their way while the last ones are used."""

import threading

import pytest

from recon.errors import TransientError
from recon.lab.graph import Fault
from recon.sources.graph.ahead import Ahead
from tests.servers.scripted import ScriptedServer, json_reply
from tests.support.tenant import Reader, make_tenant, object_id, simulate


def test_what_the_call_raises_comes_from_result():
    def fail():
        raise TransientError("no")

    assert Ahead(lambda: 5).result() == 5
    with pytest.raises(TransientError, match="no"):
        Ahead(fail).result()


def test_the_next_page_is_asked_for_before_this_one_is_used_and_no_further_one():
    asked = []
    second = threading.Event()

    def answer(heard):
        if heard.path.endswith("/token"):
            return json_reply({"access_token": "t"})
        number = len(asked) + 1
        asked.append(heard.path)
        if number == 2:
            second.set()
        link = {"@odata.nextLink": f"{server.url}/v1.0/users?$skiptoken={number}"} if number < 4 else {}
        return json_reply({"@odata.count": 4, "value": [{"id": object_id(number)}], **link})

    with ScriptedServer(answer) as server:
        reader = Reader(server, objects=("users",))
        pages = reader.client.pages("/users")
        first = next(pages)
        assert second.wait(30)
        assert (first.count, len(asked)) == (4, 2)
        assert [page.items[0]["id"] for page in pages] == [object_id(number) for number in (2, 3, 4)]
        reader.client.close()


def test_members_come_right_with_several_batches_on_their_way():
    with simulate(make_tenant(1_500, 200, (0, 1, 2, 1_100)), Fault("429", match="/members", times=30)) as simulator:
        reader = Reader(simulator, objects=("groups", "members"))
        reader.read()
    expected = {
        (object_id(10**6 + n), object_id(place)) for n in range(200) for place in range((0, 1, 2, 1_100)[n % 4])
    }
    assert len(reader.keys("entra_member")) == len(expected)
    assert set(reader.keys("entra_member")) == expected
