"""Synthesises the CDK application into cdk.out; exits 1 on a finding of cdk-nag or a bad setting.

`cdk synth -c environment=dev` takes one environment only; without it all are synthesised.
"""

import json
import os
import sys
from pathlib import Path

from infra.application import application
from infra.environments import InvalidEnvironmentError, environments_named
from infra.packaging.build import Packages

CONTEXT_VARIABLE = "CDK_CONTEXT_JSON"
"""Where the CDK's command line puts its `-c` options."""

OUTDIR_VARIABLE = "CDK_OUTDIR"
"""Where it wants the templates."""


def main() -> None:
    """Synthesise the application."""
    context = json.loads(os.environ.get(CONTEXT_VARIABLE) or "{}")
    try:
        environments = environments_named(context.get("environment"))
    except InvalidEnvironmentError as error:
        sys.exit(f"app.py: {error}")
    outdir = Path(os.environ.get(OUTDIR_VARIABLE) or "cdk.out")
    application(environments, Packages().package_of, outdir).synth()


if __name__ == "__main__":
    main()
