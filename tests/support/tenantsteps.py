"""Random changes of the invented tenant while it is served: what drift tests of increments take as their steps."""

import random
import uuid
from collections.abc import Iterable
from typing import Any

from recon.lab.graph import GraphSimulator
from tests.support.tenant import TENANT, object_id


class Changes:
    """Random changes of make_tenant(), each possible at the time."""

    def __init__(self, simulator: GraphSimulator, seed: int) -> None:
        self.simulator = simulator
        self.random = random.Random(seed)
        self.users = {object_id(place) for place in range(30)}
        self.groups = {object_id(10**6 + number) for number in range(5)}
        self.members = {(object_id(10**6 + n), object_id(place)) for n in range(5) for place in range(3)}
        self.group_ids = set(self.groups)
        self.bin: set[str] = set()
        self.steps = [
            self.create, self.rename, self.rename, self.set_or_clear, self.set_or_clear, self.delete, self.delete,
            self.restore, self.restore, self.purge, self.vanish, self.join, self.join, self.join, self.leave,
            self.leave, self.create_group, self.change_group, self.delete_group,
        ]  # fmt: skip

    def step(self) -> None:
        """One random change."""
        self.random.choice(self.steps)()

    def any_of(self, those: Iterable[Any]) -> Any:
        """One of those, None of none."""
        ordered = sorted(those)
        return self.random.choice(ordered) if ordered else None

    def create(self) -> None:
        """A new user."""
        key = str(uuid.UUID(int=self.random.getrandbits(128), version=4))
        user = {"id": key, "userPrincipalName": f"{key[:8]}@contoso.example", "accountEnabled": True}
        self.simulator.create_user(TENANT, user)
        self.users.add(key)

    def rename(self) -> None:
        """Another name and mail address."""
        if key := self.any_of(self.users):
            self.simulator.change_user(
                TENANT, key, displayName=f"Name {self.random.random()}", mail="Ü@contoso.example"
            )

    def set_or_clear(self) -> None:
        """Values that come and go."""
        if key := self.any_of(self.users):
            value = self.random.choice([None, "DE", "XX"])
            mails = self.random.choice([[], ["a@example.net", "no mail"]])
            self.simulator.change_user(TENANT, key, usageLocation=value, otherMails=mails, employeeId=value)

    def delete(self) -> None:
        """Softly delete a user."""
        if key := self.any_of(self.users):
            self.simulator.delete_user(TENANT, key)
            self.users.discard(key)
            self.bin.add(key)

    def restore(self) -> None:
        """Bring something deleted back."""
        if key := self.any_of(self.bin):
            self.simulator.restore(TENANT, key)
            self.bin.discard(key)
            (self.groups if key in self.group_ids else self.users).add(key)

    def purge(self) -> None:
        """Delete for good what was deleted."""
        if key := self.any_of(self.bin):
            self.simulator.purge(TENANT, key)
            self.bin.discard(key)
            self.members = {link for link in self.members if key not in link}

    def vanish(self) -> None:
        """A user who is gone at once."""
        if key := self.any_of(self.users):
            self.simulator.remove_user(TENANT, key)
            self.users.discard(key)
            self.members = {link for link in self.members if key not in link}

    def join(self) -> None:
        """A user joins a group."""
        group, key = self.any_of(self.groups), self.any_of(self.users)
        if group and key and (group, key) not in self.members:
            self.simulator.add_member(TENANT, group, {"@odata.type": "#microsoft.graph.user", "id": key})
            self.members.add((group, key))

    def leave(self) -> None:
        """A member leaves."""
        if link := self.any_of({link for link in self.members if link[0] in self.groups}):
            self.simulator.remove_member(TENANT, *link)
            self.members.discard(link)

    def create_group(self) -> None:
        """A new group."""
        key = str(uuid.UUID(int=self.random.getrandbits(128), version=4))
        self.group_ids.add(key)
        self.simulator.create_group(TENANT, {"id": key, "displayName": "New", "securityEnabled": True})
        self.groups.add(key)

    def change_group(self) -> None:
        """Another name and kind of a group."""
        if key := self.any_of(self.groups):
            kind = self.random.choice([["Unified"], []])
            self.simulator.change_group(TENANT, key, displayName=f"Group {self.random.random()}", groupTypes=kind)

    def delete_group(self) -> None:
        """Delete a group."""
        if key := self.any_of(self.groups):
            self.simulator.delete_group(TENANT, key)
            self.groups.discard(key)
            self.bin.add(key)
