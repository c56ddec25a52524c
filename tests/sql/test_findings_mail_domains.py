"""Addresses against the domains of a tenant: what is the company's own, what only looks like it."""


def domain(estate, name, is_verified, source="entra"):
    estate.insert("entra_domain", source, {"id": name, "domain_key": name.lower(), "isverified": is_verified})


def found(estate):
    return [row[5] for row in estate.found("othermails_company_domain")]


def user(estate, key, *mails, suffix="contoso.example", **values):
    estate.entra(id=key, userprincipalname=f"{key}@{suffix}", upn_suffix=suffix, mails=mails, **values)


def test_a_domain_below_the_companys_is_its_own_as_in_a_plan(estate):
    user(estate, "a", "a@mail.Contoso.example", "a@a.b.contoso.example")
    user(
        estate, "b", "b@notcontoso.example", "b@contoso.example.net", "contoso.example", "b@.example", '"@x"@y.example'
    )
    user(estate, "c", "c@hr.emea.contoso.example", suffix="emea.contoso.example")  # below two: one row
    user(estate, "d", '"d@contoso.example"@home.example', "d+contoso.example@home.example", "d@xcontoso.example")
    assert found(estate) == ["a@a.b.contoso.example", "a@mail.Contoso.example", "c@hr.emea.contoso.example"]


def test_what_looks_alike_is_another_domain(estate):
    user(estate, "a", "a@cоntoso.example", "a@ｃontoso.example", "a@xn--cntoso-0jf.example", "a@contoso.example.")
    user(estate, "b", "b@XN--BCHER-KVA.example", suffix="xn--bcher-kva.example")
    assert found(estate) == ["b@XN--BCHER-KVA.example"]


def test_verified_domains_of_the_tenant_are_its_own(estate):
    estate.source("other", "entra")
    domain(estate, "Brand.example", 1)
    domain(estate, "claimed.example", 0)
    domain(estate, "elsewhere.example", 1, "other")
    user(estate, "a", "a@brand.example", "a@shop.brand.example", "a@claimed.example", "a@elsewhere.example")
    user(estate, "g", "g@contoso.example", is_guest=1, suffix="guest.example")
    user(estate, "m", "m@guest.example")
    assert found(estate) == ["a@brand.example", "a@shop.brand.example"]
