"""How a route's errors stand in the OpenAPI document."""

from collections import defaultdict

from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse

from functions.problems import PROBLEM_JSON, Problem, ProblemCode, status_of

_EVERYWHERE = (ProblemCode.INTERNAL_ERROR, ProblemCode.UNAVAILABLE)


def responses(success: dict[int, OpenAPIResponse], *codes: ProblemCode) -> dict[int, OpenAPIResponse]:
    """Return all answers of a route: its successes and, by status, the problems that it can answer with."""
    by_status: defaultdict[int, list[ProblemCode]] = defaultdict(list)
    for code in (*codes, *_EVERYWHERE):
        by_status[int(status_of(code))].append(code)
    documented = {
        status: OpenAPIResponse(
            description="Problem: " + ", ".join(f"`{code}`" for code in of_status),
            content={PROBLEM_JSON: {"model": Problem}},
        )
        for status, of_status in sorted(by_status.items())
    }
    return success | documented
