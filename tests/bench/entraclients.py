"""Clients of the Entra race, each a process: `python entraclients.py WHO URL TENANT CLIENT SECRET [DATABASE]`.

WHO: pages (a faithful sequential reader of pages of 100 into SQLite, as roadrecon reads), msgraph-sdk (typed models,
pages of 999, nothing stored). The whole process is measured; the line that each tells is the number of users.
"""

import json
import sqlite3
import sys
import urllib.parse
import urllib.request


def _token(url: str, tenant: str, client: str, secret: str) -> str:
    body = urllib.parse.urlencode(
        {"grant_type": "client_credentials", "client_id": client, "client_secret": secret,
         "scope": "https://graph.microsoft.com/.default"}
    ).encode()  # fmt: skip
    with urllib.request.urlopen(f"{url}/{tenant}/oauth2/v2.0/token", body) as answer:
        return str(json.load(answer)["access_token"])


def pages(url: str, tenant: str, client: str, secret: str, database: str) -> None:
    """One page of 100 after the other; each object is stored as it is."""
    token = _token(url, tenant, client, secret)
    store = sqlite3.connect(database)
    store.execute("create table users (id text primary key, body text)")
    count, link = 0, f"{url}/v1.0/users?$top=100"
    while link:
        request = urllib.request.Request(link, headers={"Authorization": f"Bearer {token}"})
        with urllib.request.urlopen(request) as answer:
            page = json.load(answer)
        rows = [(user["id"], json.dumps(user)) for user in page["value"]]
        store.executemany("insert or replace into users values (?, ?)", rows)
        count += len(rows)
        link = page.get("@odata.nextLink")
    store.commit()
    sys.stdout.write(json.dumps({"entries": count}) + "\n")


def msgraph(url: str, tenant: str, client: str, secret: str, properties: str) -> None:
    """Microsoft's SDK as its documentation shows it: pages of 999, the next link until there is none."""
    import asyncio

    from azure.core.credentials import AccessToken
    from kiota_authentication_azure.azure_identity_authentication_provider import AzureIdentityAuthenticationProvider
    from msgraph import GraphRequestAdapter, GraphServiceClient
    from msgraph.generated.users.users_request_builder import UsersRequestBuilder

    token = _token(url, tenant, client, secret)

    class Ready:
        """A credential that holds the token already."""

        def get_token(self, *_scopes: str, **_options: object) -> AccessToken:
            return AccessToken(token, 4_000_000_000)

    async def read() -> int:
        host = urllib.parse.urlsplit(url).hostname or ""
        provider = AzureIdentityAuthenticationProvider(Ready(), allowed_hosts=[host])
        adapter = GraphRequestAdapter(provider)
        adapter.base_url = f"{url}/v1.0"
        service = GraphServiceClient(request_adapter=adapter)
        query = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(top=999, select=properties.split(","))
        config = UsersRequestBuilder.UsersRequestBuilderGetRequestConfiguration(query_parameters=query)
        page = await service.users.get(request_configuration=config)
        count = 0
        while page is not None:
            count += len(page.value or ())
            if not page.odata_next_link:
                break
            page = await service.users.with_url(page.odata_next_link).get()
        return count

    sys.stdout.write(json.dumps({"entries": asyncio.run(read())}) + "\n")


if __name__ == "__main__":
    {"pages": pages, "msgraph-sdk": msgraph}[sys.argv[1]](*sys.argv[2:])
