"""`recon backfill …`: fill what is missing in Entra ID, safely. One module per step; the verbs are attached here."""

import typer

from recon.cli.backfill.apply import apply
from recon.cli.backfill.approve import approve
from recon.cli.backfill.campaign import run, watch
from recon.cli.backfill.evidence import evidence
from recon.cli.backfill.plan import plan, show
from recon.cli.backfill.rehearse import rehearse
from recon.cli.backfill.status import status, undo
from recon.cli.backfill.verify import verify

app = typer.Typer(help="Plan, show, write and take back missing otherMails or usageLocation.", no_args_is_help=True)
for _verb in (plan, show, approve, rehearse, apply, status, verify, undo, evidence, run, watch):
    app.command(_verb.__name__)(_verb)
