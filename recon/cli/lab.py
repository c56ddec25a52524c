"""`recon lab`: an invented company with its directories, to try everything on."""

import signal
import sys
import threading
from pathlib import Path

import typer

from recon.cli.console import FORMAT_OPTION, Format, emit, say

app = typer.Typer(
    help="An invented company on this machine: domain controllers, tenants, HR extract.", no_args_is_help=True
)


@app.command("up")
def up(
    folder: Path = typer.Option(..., "--dir", help="Folder for recon.toml, workers.csv and the database."),
    people: int | None = typer.Option(
        None, "--people", help="So many generated people; default: the named sample company."
    ),
    sample: bool = typer.Option(False, "--sample", help="The named sample company."),
    seed: int = typer.Option(1, "--seed", help="Another seed makes other people."),
    domains: int = typer.Option(1, "--domains", min=1, max=2, help="AD domains."),
    tenants: int = typer.Option(1, "--tenants", min=1, max=2, help="Entra tenants, each fed by its own domain."),
    latency: str = typer.Option("0", "--latency", help="What each Graph request takes at least, for example 50ms."),
    limits: str = typer.Option("off", "--limits", help="real: Graph's published throttling; off: none."),
    time_scale: float = typer.Option(
        1.0, "--time-scale", min=0.001, help="Simulated seconds per second of the limits."
    ),
    fault: list[str] = typer.Option(
        [], "--fault", help="Scripted fault of Graph, for example 503@50; may be repeated."
    ),
    eventual: str = typer.Option("0", "--eventual", help="A write stays unseen for up to so long, for example 5s."),
    sign_ins: bool = typer.Option(
        False, "--sign-ins", help="Serve sign-in activity and let loads read it: 6 s for each 500 users."
    ),
    ad_port: int = typer.Option(
        0, "--ad-port", min=0, max=65532, help="Port for LDAP, the next one for LDAPS; 0: any."
    ),
    graph_port: int = typer.Option(0, "--graph-port", min=0, max=65535, help="Port of Graph; 0: any."),
    seconds: float | None = typer.Option(
        None, "--for", min=0, help="End after so many seconds; default: Ctrl-C ends it."
    ),
) -> None:
    """Start the lab and write DIR/recon.toml, ready for every other command; runs until stopped."""
    from recon.errors import UsageError
    from recon.lab.company import Company
    from recon.lab.generator import GeneratedCompany
    from recon.lab.graph import Limits, parse_fault
    from recon.lab.sample import SampleCompany
    from recon.lab.up import Lab, parse_duration

    if limits not in ("real", "off"):
        raise UsageError(f"--limits is real or off, not {limits}")
    if sample and people is not None:
        raise UsageError("--sample and --people exclude each other")
    company: Company
    if people is None:
        company = SampleCompany(domains=domains, tenants=tenants)
    else:
        company = GeneratedCompany(people, seed=seed, domains=domains, tenants=tenants)
    lab = Lab(
        folder,
        company,
        latency=parse_duration(latency),
        limits=Limits() if limits == "real" else None,
        time_scale=time_scale,
        faults=[parse_fault(text) for text in fault],
        eventual=parse_duration(eventual) or None,
        sign_ins=sign_ins,
        ad_port=ad_port,
        graph_port=graph_port,
    )
    stopped = threading.Event()
    before = {number: signal.signal(number, lambda *_: stopped.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with lab:
            for what, where in lab.addresses():
                sys.stdout.write(f"{what}\t{where}\n")
            sys.stdout.write("ready\n")
            sys.stdout.flush()
            say(
                f"next: recon --config {lab.config_path} run" + ("" if seconds is not None else "; Ctrl-C ends the lab")
            )
            stopped.wait(seconds)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@app.command("rates")
def rates(output: Format = FORMAT_OPTION) -> None:
    """Show every class of defect and near miss, and how often it occurs among generated people."""
    from recon.lab.defects import DEFECTS

    emit(
        ("class", "per_mille", "meaning", "findings", "backfill"),
        ((d.code, d.per_mille, d.meaning, d.findings or d.code, d.backfill) for d in DEFECTS),
        output,
    )


@app.command("people")
def people(output: Format = FORMAT_OPTION) -> None:
    """Show the named people of the sample company: what is special, what must be found, what a plan must say."""
    from recon.lab.sample import PEOPLE, expected, written

    emit(
        ("person", "class", "special", "findings", "backfill"),
        ((written(named), named.code, named.note, *expected(named)) for named in PEOPLE),
        output,
    )
