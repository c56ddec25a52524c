"""What others do to a tenant while it is read and written: the simulator's controls for tests and demos.

Everything here happens at once, past every permission and rule, and is not among the simulator's `writes`.
"""

from collections.abc import Mapping
from typing import Any

from recon.errors import UsageError
from recon.lab.graph.app import GraphService
from recon.lab.graph.directory import Directory
from recon.lab.graph.faults import Fault
from recon.lab.graph.provisioning import ProvisioningJob
from recon.lab.graph.schema import GROUP, USER
from recon.lab.graph.store import Objects


class Controls:
    """Each control takes the tenant's id first, and raises UsageError for what does not exist."""

    def __init__(self, service: GraphService) -> None:
        self.service = service

    # ---- users

    def user(self, tenant_id: str, user_id: str) -> dict[str, Any]:
        """The true user now, whatever the replicas still show."""
        with self.service.lock:
            directory, place = self._find(tenant_id, USER.name, user_id)
            return directory.users.json(place)

    def create_user(self, tenant_id: str, user: Mapping[str, Any]) -> str:
        """One more user, as a Graph object with its id; the id."""
        with self.service.lock:
            users = self._directory(tenant_id).users
            return str(users.identity(users.create(user)))

    def change_user(self, tenant_id: str, user_id: str, **properties: Any) -> None:
        """Change a user as another administrator would."""
        self._change(tenant_id, USER.name, user_id, properties)

    def delete_user(self, tenant_id: str, user_id: str) -> None:
        """Delete a user softly: 30 days in deletedItems."""
        self._delete(tenant_id, USER.name, user_id)

    def remove_user(self, tenant_id: str, user_id: str) -> None:
        """Let a user vanish, without a stay in deletedItems."""
        with self.service.lock:
            directory, place = self._find(tenant_id, USER.name, user_id)
            directory.vanish(USER.name, place)

    def make_privileged(self, tenant_id: str, user_id: str) -> None:
        """Give a user a role that closes the sensitive properties."""
        with self.service.lock:
            directory, place = self._find(tenant_id, USER.name, user_id)
            directory.privileged.add(str(directory.users.json(place)["id"]).lower())

    # ---- groups

    def group(self, tenant_id: str, group_id: str) -> dict[str, Any]:
        """The true group now."""
        with self.service.lock:
            directory, place = self._find(tenant_id, GROUP.name, group_id)
            return directory.groups.json(place)

    def create_group(self, tenant_id: str, group: Mapping[str, Any]) -> str:
        """One more group, as a Graph object with its id; the id."""
        with self.service.lock:
            groups = self._directory(tenant_id).groups
            return str(groups.identity(groups.create(group)))

    def change_group(self, tenant_id: str, group_id: str, **properties: Any) -> None:
        """Change a group."""
        self._change(tenant_id, GROUP.name, group_id, properties)

    def delete_group(self, tenant_id: str, group_id: str) -> None:
        """Delete a group: softly where its kind is kept, else at once and for good."""
        self._delete(tenant_id, GROUP.name, group_id)

    def add_member(self, tenant_id: str, group_id: str, member: Mapping[str, Any]) -> None:
        """Add a direct member: an object with '@odata.type' and 'id'."""
        with self.service.lock:
            self._directory(tenant_id).join(group_id, member)

    def remove_member(self, tenant_id: str, group_id: str, member_id: str) -> None:
        """Take a direct member out."""
        with self.service.lock:
            self._directory(tenant_id).leave(group_id, member_id)

    # ---- deletedItems, roles

    def restore(self, tenant_id: str, object_id: str) -> None:
        """Bring a deleted user or group back."""
        with self.service.lock:
            self._directory(tenant_id).restore(object_id)

    def purge(self, tenant_id: str, object_id: str) -> None:
        """Delete a deleted user or group for good."""
        with self.service.lock:
            self._directory(tenant_id).purge(object_id)

    def add_role_member(self, tenant_id: str, role_id: str, member: Mapping[str, Any]) -> None:
        """Assign an activated role to an object with '@odata.type' and 'id'."""
        with self.service.lock:
            self._directory(tenant_id).add_role_member(role_id, member)

    def add_job(self, tenant_id: str, job: ProvisioningJob) -> None:
        """Add a provisioning job, or put another in the place of one."""
        with self.service.lock:
            self._directory(tenant_id).jobs[job.service_principal_id.lower(), job.job_id] = job

    # ---- time and trouble

    def advance(self, *, days: float = 0.0, seconds: float = 0.0) -> None:
        """Let time pass for delta tokens (7 days), deleted objects (30 days) and provisioning jobs alone."""
        with self.service.lock:
            self.service.clock.advance(days=days, seconds=seconds)
            for directory in self.service.directories.values():
                directory.expire(self.service.clock.now())

    def reset_deltas(self, tenant_id: str) -> None:
        """Void every delta token issued so far: they are answered 410 with a Location."""
        with self.service.lock:
            self._directory(tenant_id).delta_epoch += 1

    def add_fault(self, fault: Fault) -> None:
        """One more scripted fault; `at` counts from the first request of the simulator."""
        with self.service.lock:
            self.service.faults.add(fault)

    # ---- parts

    def _directory(self, tenant_id: str) -> Directory:
        directory = self.service.directories.get(tenant_id.lower())
        if directory is None:
            raise UsageError(f"no tenant {tenant_id}")
        return directory

    def _objects(self, directory: Directory, kind: str) -> Objects:
        return directory.users if kind == USER.name else directory.groups

    def _find(self, tenant_id: str, kind: str, key: str) -> tuple[Directory, int]:
        directory = self.service.directories.get(tenant_id.lower())
        place = self._objects(directory, kind).place(key) if directory else None
        if directory is None or place is None:
            raise UsageError(f"no {kind} {key} in tenant {tenant_id}")
        return directory, place

    def _change(self, tenant_id: str, kind: str, key: str, properties: Mapping[str, Any]) -> None:
        with self.service.lock:
            directory, place = self._find(tenant_id, kind, key)
            objects = self._objects(directory, kind)
            if unknown := sorted(properties.keys() - objects.columns.keys()):
                raise UsageError(f"a {kind} has no property {unknown[0]!r}")
            objects.replace(place, properties, None)

    def _delete(self, tenant_id: str, kind: str, key: str) -> None:
        with self.service.lock:
            directory, place = self._find(tenant_id, kind, key)
            directory.delete(kind, place, self.service.clock.now())
