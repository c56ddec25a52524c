"""A made-up company of any size: person i depends on (seed, i) alone, so that nobody need be held in memory.

One BLAKE2 digest of (seed, i) gives a person's GUIDs and every choice. Which class of defect a person gets is drawn
without replacement in each thousand people: every class of recon.lab.defects stands in it exactly `per_mille` times,
at places that the seed decides. Ordinary people are the rest.

Groups: a synced team of every 50 people of a domain, a cloud-only project for every fourth team, one group with the
first 4,000 people of a domain, the deny list, Domain Admins, and one group that may be assigned to roles.
"""

import heapq
import struct
from collections.abc import Iterator
from datetime import date
from functools import lru_cache
from hashlib import blake2b

from recon.errors import UsageError
from recon.lab.company import COMPANIES, Company, Group, GroupKey, Person
from recon.lab.defects import DEFECTS, NO_MANAGER, PRIVILEGED, WITHOUT_WORKER, apply_defect
from recon.lab.groups import OF_DOMAIN, OF_TENANT, make_group
from recon.lab.names import CULTURES, DEPARTMENTS, TITLES
from recon.lab.people import Facts, make_account, make_person
from recon.lab.rendering import account_dn, object_id

SMALLEST, LARGEST = 10, 2_000_000
TEAM = 50
HEAD = 4_000
_DRAW = struct.Struct("<16s16s16H")
_SLOTS: tuple[str | None, ...] = tuple(code for defect in DEFECTS for code in [defect.code] * defect.per_mille) + (
    None,
) * (1000 - sum(defect.per_mille for defect in DEFECTS))
_STEPS = tuple(step for step in range(201, 800) if step % 2 and step % 5)  # coprime to 1000


class GeneratedCompany(Company):
    """`people` persons from one seed."""

    def __init__(
        self, people: int, *, seed: int = 1, domains: int = 1, tenants: int = 1, today: date | None = None
    ) -> None:
        if not SMALLEST <= people <= LARGEST:
            raise UsageError(f"{people} people: a generated company has {SMALLEST} to {LARGEST:,}")
        if not 0 <= seed < 1 << 64:
            raise UsageError("a seed is a number from 0 to 2^64-1")
        super().__init__(domains=domains, tenants=tenants, today=today)
        self.size = people
        self.seed = seed
        self._block = lru_cache(maxsize=64)(self._draw_block)
        self._boss = lru_cache(maxsize=64)(self._draw_boss)
        self._group = lru_cache(maxsize=512)(self._make_group)

    # ---- people

    def people(self) -> Iterator[Person]:
        for index in range(self.size):
            yield self.person(index)

    def administrators(self) -> Iterator[Person]:
        return (self.person(index) for index in range(self.size) if self.defect_of(index) in PRIVILEGED)

    def person(self, index: int) -> Person:
        """The person with this index, the same whoever asks and whenever."""
        facts = self._facts(index)
        domain = self.domains[facts.domain]
        code = self.defect_of(index)
        if code is None:
            return make_person(facts, domain)
        facts.kind = "Employee"
        person = make_person(facts, domain)
        apply_defect(person, code, facts, domain)
        return person

    def defect_of(self, index: int) -> str | None:
        """The class of a person, None for an ordinary one."""
        block, place = divmod(index, 1000)
        step, start = self._block(block)
        return _SLOTS[(place * step + start) % 1000]

    def _draw_block(self, block: int) -> tuple[int, int]:
        digest = blake2b(struct.pack("<QQ", self.seed, block), digest_size=8, person=b"block").digest()
        first, second = struct.unpack("<II", digest)
        return _STEPS[first % len(_STEPS)], second % 1000

    def _facts(self, index: int, *, is_boss: bool = False) -> Facts:
        domain = index % len(self.domains)
        digest = blake2b(struct.pack("<QQ", self.seed, index), digest_size=64).digest()
        guid, cloud, country, given, surname, job, firm, kind, hired, changed, clock, style, dice, *_ = _DRAW.unpack(
            digest
        )
        culture, given_names, surnames = CULTURES[country % len(CULTURES)]
        facts = Facts(
            index=index,
            domain=domain,
            guid=guid,
            object_id=object_id(cloud),
            rid=1100 + 4 * index,
            employee_id=f"{20_000_000 + index}" if style & 7 else f"00{20_000_000 + index}",
            given=given_names[given & 7],
            surname=surnames[surname & 7],
            country=culture,
            department=DEPARTMENTS[job & 7],
            title=TITLES[job >> 3 & 7],
            company=COMPANIES[firm % len(COMPANIES)],
            kind="Contingent Worker" if kind % 12 == 0 else "Employee",
            hired=30 + hired % 3600,
            changed=5 + changed % 390,
            clock=(clock & 255) * 300,
            dice=dice,
            number=str(index + 1),
            comma_first=style >> 3 & 7 == 0,
        )
        if not is_boss:
            facts.manager, facts.manager_id = self._manager(index, domain)
            facts.groups = self._groups_of(index, domain)
        return facts

    def _manager(self, index: int, domain: int) -> tuple[str | None, str | None]:
        count = len(self.domains)
        chief = index // (TEAM * count) * (TEAM * count) + domain
        if chief == index:
            chief = domain
        return (None, None) if chief == index else self._boss(chief)

    def _draw_boss(self, index: int) -> tuple[str | None, str | None]:
        code = self.defect_of(index)
        facts = self._facts(index, is_boss=True)
        domain = self.domains[facts.domain]
        has_left = code in ("disabled_terminated", "ad_disabled_not_in_entra", "privileged_leaver")
        dn = None if code in NO_MANAGER else account_dn(make_account(facts, domain), domain)
        worker_id = None if has_left or code in WITHOUT_WORKER or code == "rehire_new_id" else facts.employee_id
        return dn, worker_id

    # ---- groups

    def _groups_of(self, index: int, domain: int) -> tuple[GroupKey, ...]:
        team = index // (TEAM * len(self.domains)) * len(self.domains) + domain
        keys: tuple[GroupKey, ...] = (("team", team),)
        if team // len(self.domains) % 4 == 0:
            keys += (("project", team),)
        if index < HEAD * len(self.domains):
            keys += (("head", domain),)
        return keys

    def groups(self) -> Iterator[Group]:
        count = len(self.domains)
        span = TEAM * count
        teams = (
            self.group((kind, chunk * count + domain))
            for chunk in range((self.size + span - 1) // span)
            for domain in range(min(count, self.size - chunk * span))
            for kind in (("team", "project") if chunk % 4 == 0 else ("team",))
        )
        special = [self.group((kind, place)) for kind in OF_DOMAIN for place in range(count)]
        special += [self.group((kind, place)) for kind in OF_TENANT for place in range(len(self.tenants))]
        return heapq.merge(teams, sorted(special, key=lambda group: group.last), key=lambda group: group.last)

    def _make_group(self, key: GroupKey) -> Group:
        kind, number = key
        count = len(self.domains)
        place = number % count if kind in ("team", "project") else number
        last = self.size - 1
        if kind in ("team", "project"):
            last = min((number // count + 1) * TEAM * count - 1, last)
        elif kind == "head":
            last = min(HEAD * count - 1, last)
        return make_group(key, place, self.domains, last, self.seed)

    def group(self, key: GroupKey) -> Group:
        return self._group(key)
