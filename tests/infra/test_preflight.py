import json

from infra.operations import preflight
from tests.infra.templates import Template


def test_the_bootstrap_that_is_checked_is_the_one_that_the_template_asks_for(dev: Template) -> None:
    artifacts = json.loads((dev.path.parent / "manifest.json").read_text())["artifacts"]
    asked = {
        artifact["properties"]["requiresBootstrapStackVersion"]
        for artifact in artifacts.values()
        if "requiresBootstrapStackVersion" in artifact.get("properties", {})
    }

    assert asked == {preflight.BOOTSTRAP_VERSION}
    parameters = json.loads(dev.path.read_text())["Parameters"]
    assert parameters["BootstrapVersion"]["Default"] == preflight.BOOTSTRAP_PARAMETER


def test_networks_and_addresses_are_asked_for_as_the_template_makes_them(dev: Template, everything: Template) -> None:
    assert [len(template.of_type("AWS::EC2::VPC")) for template in (dev, everything)] == [1, 1]
    assert [len(template.of_type("AWS::EC2::EIP")) for template in (dev, everything)] == [0, 1]
