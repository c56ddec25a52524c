"""`recon init`: a commented recon.toml to start from."""

import sys
from pathlib import Path

import typer

from recon.cli.console import say, state
from recon.errors import StoreError, UsageError


def init(
    ctx: typer.Context,
    ad_url: str = typer.Option("ldap://dc1.contoso.example", help="Address of a domain controller."),
    ad_user: str = typer.Option("svc-recon@contoso.example", help="Who reads the directory: DN, UPN or DOMAIN\\user."),
    tenant_id: str = typer.Option("00000000-0000-0000-0000-000000000000", help="Entra tenant id."),
    workers: str = typer.Option("workers.csv", help="The HR extract."),
    force: bool = typer.Option(False, "--force", help="Overwrite an existing file."),
    print_only: bool = typer.Option(False, "--print", help="Write to stdout instead."),
) -> None:
    """Write a commented recon.toml."""
    from recon.pipeline.template import render

    text = render(ad_url, ad_user, tenant_id, workers)
    if print_only:
        sys.stdout.write(text)
        return
    path = state(ctx).config_path or Path("recon.toml")
    if path.exists() and not force:
        raise UsageError(f"{path} exists", hint="--force overwrites it, --config FILE writes another")
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror}") from error
    say(f"wrote {path}")
    say("next: put in your addresses, then: recon doctor")
