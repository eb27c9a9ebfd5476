"""Every AWS service that hands something to a resource of ours may do so: each such edge of the template is walked."""

from typing import Any

import pytest

from tests.infra.edges import ALARMS, EDGES, WITH_EDGES, WITHOUT_EDGES, alarm_actions
from tests.infra.policies import Request, is_allowed, resolve
from tests.infra.templates import Template, target


@pytest.mark.parametrize("edges", EDGES, ids=lambda edges: edges.__name__)
def test_what_a_service_hands_over_arrives(templates: dict[str, Template], edges: Any) -> None:
    requests = [(template, request) for template in templates.values() for request in edges(template)]
    assert requests
    assert [request for template, request in requests if not is_allowed(template, request)] == []


def test_every_type_of_resource_is_known_to_have_edges_or_none(templates: dict[str, Template]) -> None:
    kinds = {resource["Type"] for template in templates.values() for resource in template.resources.values()}
    assert kinds - WITHOUT_EDGES == WITH_EDGES


def test_subscriptions_go_to_people_not_to_resources_that_would_need_a_policy(everything: Template) -> None:
    assert {each["Protocol"] for each in everything.properties("AWS::SNS::Subscription").values()} == {"email"}


def test_dead_letters_may_come_from_their_queue(templates: dict[str, Template]) -> None:
    for template in templates.values():
        queues = template.properties("AWS::SQS::Queue")
        for queue in queues.values():
            if "RedrivePolicy" in queue:
                dead = queues[str(target(queue["RedrivePolicy"]["deadLetterTargetArn"]))]
                (source,) = dead["RedriveAllowPolicy"]["sourceQueueArns"]
                assert resolve(template, source).endswith(f":{queue['QueueName']}")


def test_another_accounts_alarm_reaches_nobody_here(dev: Template) -> None:
    request = next(alarm_actions(dev))
    foreign = Request(
        principal=ALARMS,
        action=request.action,
        resource=request.resource,
        context={**request.context, "aws:SourceAccount": "222222222222"},
    )
    assert not is_allowed(dev, foreign)


def test_a_denial_outweighs_what_is_allowed(dev: Template) -> None:
    request = next(alarm_actions(dev))
    plain = Request(
        principal=ALARMS,
        action=request.action,
        resource=request.resource,
        context={**request.context, "aws:SecureTransport": "false"},
    )
    assert is_allowed(dev, request)
    assert not is_allowed(dev, plain)
