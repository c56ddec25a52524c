"""`recon backfill rehearse`: the whole campaign on a simulator that holds the site's own tenant, in scaled time."""

from enum import StrEnum

import typer

from recon.cli.backfill.named import NAMED_PLAN, load, say_plan
from recon.cli.console import FORMAT_OPTION, Format, counter, emit, say, state


class ProfileName(StrEnum):
    """How the simulated service behaves."""

    calm = "calm"
    busy = "busy"
    storm = "storm"


def rehearse(
    ctx: typer.Context,
    name: str = NAMED_PLAN,
    profile: ProfileName = typer.Option(ProfileName.busy, "--profile", help="How the service behaves."),
    output: Format = FORMAT_OPTION,
) -> None:
    """Play a plan on a simulator that holds the loaded tenant: how long it takes, what it meets. Nothing is sent."""
    import time

    from recon.backfill.campaign import limits_of, objections
    from recon.backfill.page import write_page
    from recon.backfill.rehearse import rehearse as play
    from recon.backfill.virtual import VirtualTime
    from recon.backfill.writer import GraphWriter
    from recon.lab.graph.inprocess import InProcessGraph
    from recon.lab.snapshot import APP, PROFILES, site_simulator

    config, chosen = load(ctx, name)
    chosen_profile = PROFILES[profile.value]
    virtual = VirtualTime()
    extensions = (
        (item.object_id, item.attribute, item.before[0] if item.before else None)
        for item in chosen.items()
        if item.attribute.startswith("extension_")
    )
    with state(ctx).store() as store:
        tenant, entra = chosen.tenant_id, str(chosen.header["entra_source"])
        simulator = site_simulator(store, tenant, entra, chosen_profile, clock=virtual.clock, extensions=extensions)
    graph = InProcessGraph(simulator, tenant, APP)
    settings = config.backfill
    with counter("rehearsing") as count:
        report = play(
            chosen,
            GraphWriter(graph, graph, now=time.time, attributes=chosen.attributes),
            virtual,
            limits=limits_of(settings, "go"),
            share=settings.write_share,
            lanes=settings.lanes,
            latency=chosen_profile.latency,
            profile=f"{profile.value}: {chosen_profile.text}",
            objection=objections(config, chosen),
            advance=count.advance,
        )
    rows: list[tuple[str, object]] = [*report["outcomes"].items(), ("left", report["left"])]
    rows += [(f"answers: {kind}", number) for kind, number in report["calls"].items()]
    emit(("what", "count"), rows, output)
    say_plan(chosen)
    hours, rest = divmod(int(report["predicted_seconds"] + 0.5), 3600)
    say(
        f"predicted duration {hours}:{rest // 60:02d}:{rest % 60:02d} at {settings.write_share:.0%} of the write quota "
        f"({report['profile']})"
    )
    if report["stopped"]:
        say(f"it would stop: {report['stopped']}")
    say(f"kept beside the plan and shown on its page, {write_page(chosen)}")
    say(f"next: recon backfill apply {chosen.short}")
