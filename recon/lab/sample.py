"""The sample company: named, invented people, each with one defect or one near miss, the same in every lab.

PEOPLE is the table: who, which class of recon.lab.defects (whose `findings` and `backfill` say what must follow), and
what is special in a reader's words. A class of OWN is a near miss that only
named people show: nothing may be found about them. `recon lab people` prints it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from recon.decode.guid import immutable_id_bytes
from recon.lab.company import COMPANIES, Company, Group, GroupKey, Person
from recon.lab.defects import BY_CODE, apply_defect
from recon.lab.groups import OF_DOMAIN, OF_TENANT, make_group
from recon.lab.names import COUNTRIES, DEPARTMENTS, TITLES, Name
from recon.lab.people import Facts, make_person
from recon.lab.rendering import account_dn, object_id

_TEAM = 20
_CASE_TWINS = ("AbCdEfGhIjKlMnOpQrStUg==", "abCdEfGhIjKlMnOpQrStUg==")  # two anchors, one when folded


@dataclass(frozen=True, slots=True)
class Named:
    """One row of the table. `name`: given name and surname, each as written and in ASCII ("Jörg|joerg")."""

    name: str
    country: str
    code: str
    note: str
    dice: int = 0
    facts: dict[str, Any] = field(default_factory=dict)


def _rehired(person: Person) -> None:
    worker = person.workers[0]
    worker.first_hired, worker.left, worker.hired = 3000, 1200, 400


def _line_break(person: Person) -> None:
    person.workers[0].title = 'Clerk,\n"special duties"'
    person.ad[0].display = person.entra[0].display = "Mia 🦊 Lorenz"


def _apostrophe(person: Person) -> None:
    account, user = person.ad[0], person.entra[0]
    account.upn = account.mail = user.mail = user.on_premises_upn = "siobhan.o'brien@" + user.upn.partition("@")[2]
    user.upn = account.upn.replace("o'brien", "O'Brien")
    person.workers[0].work_mail = account.mail


def _empty_values(person: Person) -> None:
    person.ad[0].title = person.ad[0].department = None
    person.entra[0].title, person.entra[0].department = "", " "
    person.workers[0].title, person.workers[0].department = None, "  "


def _agrees(person: Person) -> None:
    """Leave an ordinary person alone."""


# near misses of named people alone: nothing may be found, and the plan says `backfill`
OWN: dict[str, tuple[Callable[[Person], None], str]] = {
    "ordinary": (_agrees, "already_present"),
    "escaped_comma": (_agrees, "already_present"),
    "apostrophe": (_apostrophe, "already_present"),
    "immutable_id_case": (_agrees, "already_present"),
    "leading_zeros": (_agrees, "already_present"),
    "rehired_same_id": (_rehired, "already_present"),
    "empty_values": (_empty_values, "already_present"),
    "line_break": (_line_break, "already_present"),
    "contingent": (_agrees, "-"),
}

PEOPLE: tuple[Named, ...] = (
    Named("Alice Ashworth", "GB", "ordinary", "agrees everywhere; everybody's manager"),
    # to be filled
    Named("Jörg|joerg Müller|mueller", "DE", "othermails_missing", "no otherMails; umlauts in both names"),
    Named("Chloé|chloe Dupré|dupre", "FR", "othermails_missing", "no otherMails; disabled nowhere", 4),
    Named("Aarav Kulkarni", "IN", "othermails_missing", "no otherMails", 8),
    Named("Mette Østergaard|oestergaard", "DK", "prehire_disabled", "starts in 8 days, accounts wait disabled", 7),
    # AD and Entra
    Named("Ngozi Okafor", "NG", "ad_disabled_entra_enabled", "userAccountControl 546, can still sign in"),
    Named("Saoirse Dwyer", "IE", "ad_disabled_entra_enabled", "the same with 514", 2),
    Named("Tyler Foster", "US", "ad_enabled_entra_disabled", "blocked in Entra alone"),
    Named("Paweł|pawel Nowak", "PL", "ad_expired_entra_enabled", "expired three days ago"),
    Named("Emre Şahin|sahin", "TR", "ad_enabled_not_in_entra", "not synchronized"),
    Named("Leopold Huber", "AT", "ad_disabled_not_in_entra", "left; out of the synchronization's scope"),
    Named("Harriet Shaw", "GB", "entra_synced_not_in_ad", "orphan: deleted in AD and HR"),
    Named("Conor Murphy", "IE", "duplicate_employeeid_ad", "his administration account carries his id"),
    Named("Núria|nuria Peña|pena", "ES", "duplicate_employeeid_entra", "a cloud twin carries her id"),
    Named("Priya Nair", "IN", "ambiguous_match", "two cloud users with her id, none of them synced"),
    Named("健太|kenta 佐藤|sato", "JP", "employeeid_differs", "no employee id in Entra"),
    Named("美咲|misaki 田中|tanaka", "JP", "employeeid_differs", "mistyped employee id in Entra", 2),
    Named("Işıl|isil Yıldız|yildiz", "TR", "upn_differs", "Entra has the tenant's first suffix; dotless i"),
    Named("Małgorzata|malgorzata Król|krol", "PL", "mail_differs", "no mail in Entra"),
    Named("Vikram Joshi", "IN", "sid_differs", "SID of a former domain"),
    Named("Dũng|dung Nguyễn|nguyen", "VN", "anchor_differs", "the anchor leads to another object"),
    Named("Siobhán|siobhan O'Brien|obrien", "IE", "apostrophe", "apostrophe; UPN differs in case alone"),
    Named("Jane Doe", "US", "escaped_comma", r"CN=Doe\, Jane in AD", 0, {"comma_first": True}),
    Named("Felix Kästner|kaestner", "AT", "mail_case", "mail differs in case alone"),
    Named("Zoë|zoe Brontë|bronte", "GB", "mail_decomposed", "mail composed in AD, decomposed in Entra"),
    Named("Tunde Bello", "NG", "employeeid_blanks", "blanks behind the employee id in AD"),
    Named("Ada Wooler", "GB", "immutable_id_case", "her anchor and Ida's differ in one letter's case", 0,
          {"guid": immutable_id_bytes(_CASE_TWINS[0])}),
    Named("Ida Wooler", "GB", "immutable_id_case", "her anchor and Ada's differ in one letter's case", 0,
          {"guid": immutable_id_bytes(_CASE_TWINS[1])}),
    Named("Martín|martin Sáez|saez", "ES", "leading_zeros", "employee id 0020777", 0, {"employee_id": "0020777"}),
    Named("Iván|ivan Ordóñez|ordonez", "ES", "leading_zeros", "employee id 20777: another person", 0,
          {"employee_id": "20777"}),
    Named("Ömer|omer Aydın|aydin", "TR", "in_skew", "disabled in AD after Entra was read: no finding yet"),
    # joiners and leavers
    Named("Rhys Holroyd", "GB", "leaver_still_enabled", "left two days ago, the first day after the grace"),
    Named("Poppy Clegg", "GB", "leaver_in_grace", "left yesterday"),
    Named("Eoin Brady", "IE", "leaver_to_come", "leaves tomorrow"),
    Named("Gerlinde Aigner", "AT", "rehired_same_id", "left years ago and was hired again"),
    Named("Kåre|kaare Holm", "DK", "disabled_terminated", "left and disabled, as it should be", 40),
    Named("Ruby Hayes", "US", "disabled_held", "disabled, on leave"),
    Named("Begoña|begona Ibáñez|ibanez", "ES", "joiner_without_account", "starts in 14 days, the last that counts", 14),
    Named("Théo|theo Béranger|beranger", "FR", "joiner_later", "starts in 15 days, no account"),
    Named("Zofia Sikora", "PL", "joiner_with_account", "starts tomorrow, has her accounts"),
    Named("Sofía|sofia Castaño|castano", "ES", "rehire_new_id", "hired again under a new id"),
    Named("Wyatt McBride|mcbride", "US", "reused_employee_id", "his id belonged to somebody else before"),
    Named("Rohan Patil", "IN", "worker_twice_same", "the same HR record twice"),
    Named("Kavita Rao", "IN", "worker_twice_different", "two HR records that contradict each other"),
    # otherMails and usageLocation
    Named("Grace Carter", "US", "othermails_differ_from_hr", "another address than HR's"),
    Named("Amélie|amelie Moreau", "FR", "othermails_spelled_otherwise", "HR's address in capitals, and another"),
    Named("Hélène|helene Garçon|garcon", "FR", "othermails_blanks", "blanks around the address in otherMails"),
    Named("Ελένη|eleni Παππά|pappa", "GR", "usagelocation_missing", "no usageLocation"),
    Named("George Pemberton", "GB", "usagelocation_not_iso", "usageLocation UK"),
    Named("Imogen Ackroyd", "GB", "usagelocation_lower", "usageLocation gb"),
    Named("Anna Vogel", "DE", "personal_mail_blanks", "blanks around HR's address"),
    # never written
    Named("Logan Reyes", "US", "privileged_role", "holds a directory role: Graph refuses"),
    Named("Adaeze Eze", "NG", "role_group_member", "member of a role-assignable group"),
    Named("Meera Iyer", "IN", "admin_count", "adminCount 1, Domain Admins, owns a role-assignable group"),
    Named("Xaver Moser", "AT", "ad_only_administrator", "second account for administration, in AD alone"),
    Named("Tuấn|tuan Phạm|pham", "VN", "denied_group_member", "member of the deny list"),
    Named("Ayşe|ayse Kaya", "TR", "anchor_missing", "synced, but Entra shows no anchor"),
    Named("Hazel Whitlock", "US", "name_contradicts", "HR has another name"),
    Named("Loïc|loic Lefèvre|lefevre", "FR", "shared_personal_mail", "shares an address with Robin Lefèvre"),
    Named("Burgi Egger", "AT", "personal_mail_in_company_domain", "HR's personal address is a company one"),
    Named("Sören|soeren Beck", "DE", "personal_mail_non_ascii", "jörg.beck@example.net"),
    Named("Oliver Bradshaw", "GB", "personal_mail_invalid", "'bradshaw at example.net'"),
    Named("Käthe|kaethe Groß|gross", "DE", "no_personal_mail", "HR knows no address"),
    # no ordinary hybrid users
    Named("芳|fang 王|wang", "CN", "cloud_only", "cloud-only, with an employee id"),
    Named("Ewa Gąsior|gasior", "PL", "guest", "a guest"),
    Named("Leonie Haller", "AT", "guest_pending", "a guest who never accepted"),
    Named("Niamh Kavanagh", "IE", "guest_with_employeeid", "a guest who carries a worker's employee id"),
    Named("Backup Runner", "DE", "service_account", "synced, of nobody, no employee id"),
    Named("Mason Sullivan", "US", "contingent", "a contingent worker: out of scope", 0, {"kind": "Contingent Worker"}),
    Named("Mia Lorenz", "DE", "line_break", "a fox in the display name, a line break in HR's job title"),
    Named("Ananya Bhatt", "IN", "empty_values", "no title in AD, empty text in Entra, blanks in HR"),
    # state of accounts
    Named("Gareth Pugh", "GB", "stale_account", "last logon 91 days ago, the first day that counts"),
    Named("Aino Virtanen", "DK", "entra_stale_account", "never signed in to Entra in person", 4),
    Named("Tiago Barros", "ES", "stale_on_both_sides", "nobody works with the account", 2),
    Named("Ravi Menon", "IN", "never_logged_on", "nobody ever used the account"),
    Named("Clara Whitfield", "GB", "password_never_expires", "userAccountControl 66048"),
    Named("Sean Gallagher", "IE", "password_not_required", "userAccountControl 544"),
    Named("Lars Kjær|kjaer", "DK", "weak_kerberos", "no pre-authentication, DES keys alone"),
    Named("Elsa Brandt", "DE", "reversible_password", "the password can be read back"),
    Named("Web Portal", "DE", "unconstrained_delegation", "may act as everybody that signs in"),
    Named("Hugo Fontaine", "FR", "computed_bit", "LOCKOUT in the stored userAccountControl"),
    Named("Ifeoma Obi", "NG", "privileged_leaver", "left and disabled, still in Domain Admins", 40),
    Named("Marek Wójcik|wojcik", "PL", "manager_missing", "the manager was deleted"),
    Named("Lucía|lucia Ortega", "ES", "manager_disabled", "the manager, Robin Ortega, has left"),
    # what synchronization refuses
    Named("Katrin Sommer", "AT", "upn_not_routable", "UPN ends in ad.contoso.local"),
    Named("Renée|renee Laurent", "FR", "upn_bad_character", "& in the UPN"),
    Named("Dermot Quinn", "IE", "upn_missing", "no UPN in AD"),
    Named("Selin Arslan", "TR", "mail_bad_format", "two @ in mail"),
    Named("Minh Lê|le", "VN", "mail_bad_parts", "two periods and a hyphen at wrong places in mail"),
    Named("Vera Winkler", "AT", "mail_not_routable", "mail ends in contoso.local"),
    Named("Abigail Stone", "US", "name_blanks", "a blank behind the display name"),
    Named("Θεοδώρα|theodora Ιωάννου|ioannou", "GR", "account_name_too_long", "sAMAccountName over 20 characters"),
    Named("Deepika Varma", "IN", "names_missing", "neither display name nor mailNickname in AD"),
    Named("Callum Reid", "GB", "several_primary_smtp", "two primary addresses"),
    Named("Noémie|noemie Roux", "FR", "mail_not_primary", "mail is a secondary address"),
    Named("Frida Lund", "DK", "mail_not_in_proxyaddresses", "mail is a sip: address alone"),
    Named("Bruno Keller", "AT", "duplicate_addresses", "his second account repeats mail, addresses and alias"),
    Named("Olga Mazur", "PL", "duplicate_upn", "her second account has the UPN in capitals"),
    # synchronization
    Named("Alasdair Munro", "GB", "hire_date", "the hire date is the same in AD, Entra and HR"),
    Named("Carmen Vidal", "ES", "hire_date_invalid", "a hire date without a time", 0),
    Named("Henrik Bergh", "DK", "hire_date_mail", "his mail address where others have the hire date"),
    Named("Ludovic Blanc", "FR", "hire_date_differs", "the hire date in AD is ten days before HR's", 2),
    Named("Fiona Drummond", "GB", "leave_date_differs", "AD has no leave date, HR has"),
    Named("Anselm Vogt", "DE", "anchor_changed", "gets another source anchor on the second day"),
    Named("Chinedu Ibe", "NG", "provisioning_error", "Entra refused an address that another object has"),
    Named("Stefan Gruber", "AT", "synced_not_following", "moved in AD, Entra holds the former place"),
    Named("Aoife Kearney", "IE", "hard_match_candidate", "a cloud user that holds her anchor"),
    Named("Sanjay Dutta", "IN", "soft_match_candidate", "a cloud user that has his UPN"),
    Named("Ottmar Reiter", "AT", "formerly_synced", "synchronized once, and not any more"),
    # delegation
    Named("Print Service", "DE", "protocol_transition", "may act as anybody without a sign-in"),
    Named("Kofi Adeyemi", "NG", "privileged_with_spn", "his administration account runs a service"),
    Named("Agnieszka Lis", "PL", "sid_history", "carries the SID of a former domain"),
    # certificate mappings
    Named("Beatrix Kohl", "AT", "certificate_weak", "mapped by issuer and subject alone"),
    Named("Declan Byrne", "IE", "certificate_weak_administrator", "his administration account is mapped so"),
    Named("Solveig Dahl", "DK", "certificate_weak_beside", "a weak mapping beside a strong one"),
    Named("Rajesh Pillai", "IN", "certificate_malformed", "an Entra value in altSecurityIdentities"),
    Named("Margaux Petit", "FR", "certificate_issuer_order", "the issuer leaf first"),
    Named("Gustavo Lara", "ES", "certificate_shared", "his second account carries the same mapping"),
    Named("Astrid Falk", "DK", "certificate_of_another", "her certificate carries the SID of another domain"),
    Named("Pedro Rocha", "ES", "certificate_known", "mapped by issuer and subject; his certificate is published"),
    Named("Yusuf Demir", "TR", "certificate_strong", "mapped by issuer and serial number, as it should be"),
    # groups and reset addresses
    Named("Fergus Boyle", "IE", "privileged_by_detour", "in Domain Admins through Server operations"),
    Named("Nadia Osei", "NG", "privileged_by_detour", "Domain Admins is the primary group", 2),
    Named("Wanda Zając|zajac", "PL", "membership_not_followed", "in Night shift in AD, not in Entra"),
    Named("Pedro Lozano", "ES", "othermails_company_domain", "a company address beside the personal one"),
    Named("Lena Hofer", "AT", "othermails_shared", "shares the reset address with Robin Hofer"),
    # delegation once more
    Named("Zoltán|zoltan Varga", "AT", "privileged_sid_history", "carries the SID of a former domain's Domain Admins"),
)  # fmt: skip


def _spelled(text: str) -> Name:
    as_written, _, in_ascii = text.partition("|")
    return as_written, in_ascii or as_written.lower()


class SampleCompany(Company):
    """The named people, in one or two domains and tenants."""

    def __init__(self, *, domains: int = 1, tenants: int = 1, today: date | None = None) -> None:
        super().__init__(domains=domains, tenants=tenants, today=today)
        self._group = lru_cache(maxsize=64)(self._make_group)

    def people(self) -> Iterator[Person]:
        for index, named in enumerate(PEOPLE):
            yield self._person(index, named)

    def person(self, name: str) -> Person:
        """The person of this name, as in PEOPLE without the ASCII forms. Raises KeyError."""
        for index, named in enumerate(PEOPLE):
            if written(named) == name:
                return self._person(index, named)
        raise KeyError(name)

    def _person(self, index: int, named: Named) -> Person:
        facts = self._facts(index, named)
        domain = self.domains[facts.domain]
        person = make_person(facts, domain)
        if named.code in BY_CODE:
            apply_defect(person, named.code, facts, domain)
        else:
            person.defect = named.code
            OWN[named.code][0](person)
        return person

    def _facts(self, index: int, named: Named, *, is_manager: bool = False) -> Facts:
        domain = index % len(self.domains)
        digest = blake2b(named.name.encode(), digest_size=32).digest()
        given, surname = (
            (text.partition("|")[0], text.partition("|")[2] or text.lower()) for text in named.name.split()
        )
        facts = Facts(
            index=index,
            domain=domain,
            guid=digest[:16],
            object_id=object_id(digest[16:]),
            rid=1100 + 4 * index,
            employee_id=f"{20_100 + index}",
            given=given,
            surname=surname,
            country=COUNTRIES[named.country],
            department=DEPARTMENTS[digest[0] % 8],
            title=TITLES[digest[1] % 8],
            company=COMPANIES[digest[2] % 3],
            hired=200 + digest[3] * 9,
            changed=20 + digest[4],
            clock=25_200 + digest[5] * 120,
            dice=named.dice,
            groups=self._groups_of(index, domain),
        )
        if not is_manager and domain == 0 and index:
            manager = make_person(self._facts(0, PEOPLE[0], is_manager=True), self.domains[0])
            facts.manager = account_dn(manager.ad[0], self.domains[0])
            facts.manager_id = manager.workers[0].worker_id
        return replace(facts, **named.facts)

    # ---- groups

    def _groups_of(self, index: int, domain: int) -> tuple[GroupKey, ...]:
        team = index // _TEAM * len(self.domains) + domain
        project: tuple[GroupKey, ...] = (("project", domain),) if index < _TEAM else ()
        return (("team", team), *project, ("head", domain))

    def groups(self) -> Iterator[Group]:
        count = len(self.domains)
        for number in range((len(PEOPLE) + _TEAM - 1) // _TEAM * count):
            yield self._group(("team", number))
        for kind in ("project", *OF_DOMAIN):
            for place in range(count):
                yield self._group((kind, place))
        for kind in OF_TENANT:
            for place in range(len(self.tenants)):
                yield self._group((kind, place))

    def group(self, key: GroupKey) -> Group:
        return self._group(key)

    def _make_group(self, key: GroupKey) -> Group:
        return make_group(key, key[1] % len(self.domains), self.domains, len(PEOPLE) - 1, 0)


def written(named: Named) -> str:
    """The name without its ASCII form."""
    return " ".join(part.partition("|")[0] for part in named.name.split())


def expected(named: Named) -> tuple[str, str]:
    """What must be found about a named person, and what a plan must say; '-' for nothing."""
    defect = BY_CODE.get(named.code)
    return ("-", OWN[named.code][1]) if defect is None else (defect.findings or defect.code, defect.backfill)
