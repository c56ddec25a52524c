"""`recon doctor`: is everything there that the configured commands need?"""

import typer

from recon.cli.console import FORMAT_OPTION, Format, emit, out, say, state


def doctor(ctx: typer.Context, output: Format = FORMAT_OPTION) -> None:
    """Check configuration, database, LDAP with one sign-in, Graph with its permissions, and the HR columns."""
    from recon.pipeline.doctor import FAIL, WARN, examine

    checks = []
    for check in examine(state(ctx).config()):
        checks.append(check)
        if output is Format.table:
            out(f"{check.state:8} {check.area}: {check.check}: {check.detail}")
            if check.fix:
                out(f"{'':8} -> {check.fix}")
    if output is not Format.table:
        rows = [(check.area, check.check, check.state, check.detail, check.fix) for check in checks]
        emit(("area", "check", "state", "detail", "fix"), rows, output)
    failed = sum(check.state == FAIL for check in checks)
    warned = sum(check.state == WARN for check in checks)
    if failed:
        say(f"{failed} of {len(checks)} checks failed")
        raise typer.Exit(1)
    say(f"{len(checks)} checks, {warned} {'warning' if warned == 1 else 'warnings'}. Next: recon run")
