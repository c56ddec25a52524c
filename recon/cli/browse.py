"""`recon browse`: look through the SQLite database in a browser."""

import typer


def browse(
    ctx: typer.Context,
    port: int = typer.Option(8001, "--port", min=1, max=65535, help="Port on this machine."),
    unmask: bool = typer.Option(
        False, "--unmask", help="Also open tables with personal data, and let SQL of your own be run."
    ),
) -> None:
    """Open the SQLite database in Datasette: tables described, findings faceted, named queries ready to run."""
    from recon.browse import file_of, serve
    from recon.cli.console import say, state
    from recon.cli.findings import catalog_of
    from recon.deploy import ensure_views

    with state(ctx).store() as store:
        file_of(store)
        catalog = catalog_of(state(ctx).config())
        ensure_views(store, catalog)
        say(f"http://127.0.0.1:{port}/ (Ctrl-C ends it)")
        serve(store, catalog, host="127.0.0.1", port=port, unmask=unmask)
