"""The service in one environment: the constructs, wired."""

from collections.abc import Mapping

from aws_cdk import Stack, Stage, Tags
from constructs import Construct

from infra.environments import Environment, JwtIssuer, OwnIssuer
from infra.stack.api import Api
from infra.stack.budget import COST_TAG, Budget
from infra.stack.dashboard import Dashboard
from infra.stack.dispatch import Dispatch
from infra.stack.event_bus import EventBus
from infra.stack.functions import Function, PackageOf
from infra.stack.host_tokens import host_tokens
from infra.stack.job_queues import JobQueues
from infra.stack.live_status import LiveStatus
from infra.stack.monitoring import Monitoring
from infra.stack.notifications import Notifications
from infra.stack.people import UserPool
from infra.stack.permissions import grant
from infra.stack.schedules import Schedules
from infra.stack.storage import Storage
from infra.stack.streams import Streams
from infra.stack.task_events import TaskEvents
from infra.stack.worker import Worker
from watchlist.deployment import functions as function_specs
from watchlist.deployment import routes
from watchlist.deployment.permissions import OF_TASK
from watchlist.own_hosts import written


class RepositoryWatchlist(Stack):
    """All resources of one environment."""

    def __init__(self, scope: Construct, construct_id: str, *, environment: Environment, package_of: PackageOf) -> None:
        super().__init__(
            scope,
            construct_id,
            description=f"Repository Watchlist, {environment.name}",
            termination_protection=environment.keeps_data and environment.refuses_deletion,
        )
        Tags.of(self).add(COST_TAG, environment.service)
        monitoring = Monitoring(self, "Monitoring", environment=environment)
        if (dollars := environment.monthly_budget_dollars) is not None:
            Budget(self, "Budget", environment=environment, dollars=dollars, monitoring=monitoring)
        storage = Storage(self, "Storage", environment=environment, monitoring=monitoring)
        queues = JobQueues(self, "JobQueues", environment=environment, monitoring=monitoring)
        of_all = {**_usual_variables(environment), **storage.variables, **queues.variables}
        tokens = host_tokens(self, environment)
        worker = Worker(
            self,
            "Worker",
            environment=environment,
            values=of_all,
            storage=storage,
            tokens=tokens,
            monitoring=monitoring,
        )
        grant(worker.task_role, OF_TASK, storage, queues)
        live_status = LiveStatus(self, "LiveStatus", environment=environment)
        event_bus = EventBus(self, "EventBus", environment=environment)
        notifications = Notifications(self, "Notify", environment=environment, monitoring=monitoring)
        api = Api(self, "Api", environment=environment, monitoring=monitoring)
        jwt = _issuer(self, environment, api)
        functions = self._functions(
            environment,
            package_of,
            {
                **of_all,
                **worker.variables,
                **{name: value for each in tokens for name, value in each.variables.items()},
                **live_status.variables,
                **event_bus.variables,
                **notifications.variables,
                **_access_variables(jwt),
            },
        )
        for function in functions.values():
            grant(function.role, function.spec.permissions, storage, queues)
        for each in tokens:
            each.let_read(functions[function_specs.SCHEDULER.name].role)
        live_status.route(functions, monitoring)
        for posting in (routes.LIVE_REQUEST.function, function_specs.LIVE_PUBLISHER, function_specs.ALERT_COLLECTOR):
            live_status.allow_posting(functions[posting.name].role)
        streams = Streams(
            self, "Streams", environment=environment, functions=functions, storage=storage, monitoring=monitoring
        )
        for telling in (function_specs.DIGEST, function_specs.WEBHOOK_SENDER, routes.TEST_CHANNEL.function):
            notifications.allow_notify(functions[telling.name].role)
        notifications.allow_deliver(functions[routes.TEST_NOTIFICATIONS.function.name].role)
        notifications.deliver_by(functions[function_specs.WEBHOOK_SENDER.name])
        event_bus.allow_put(functions[function_specs.EVENT_PUBLISHER.name].role)
        api.route(functions, jwt)
        Dispatch(
            self,
            "Dispatch",
            environment=environment,
            dispatcher=functions[function_specs.DISPATCHER.name],
            queues=queues,
            worker=worker,
            monitoring=monitoring,
        )
        task_stopped = functions[function_specs.TASK_STOPPED.name]
        TaskEvents(self, "TaskEvents", task_stopped=task_stopped, worker=worker, monitoring=monitoring)
        Schedules(self, "Schedules", environment=environment, functions=functions, monitoring=monitoring)
        if environment.insight.dashboard:
            Dashboard(
                self,
                "Dashboard",
                environment=environment,
                storage=storage,
                queues=queues,
                notifications=notifications,
                streams=streams,
                worker=worker,
                api=api,
                functions=tuple(functions.values()),
            )

    def _functions(
        self, environment: Environment, package_of: PackageOf, values: Mapping[str, str]
    ) -> dict[str, Function]:
        """Create the environment's functions, each with those of the values that it reads; return them by name."""
        return {
            spec.name: Function(
                self,
                _construct_id(spec.name),
                spec=spec,
                environment=environment,
                package=package_of(spec),
                values=values,
            )
            for spec in function_specs.functions_of(accepts_tokens=environment.jwt is not None)
        }


class EnvironmentStage(Stage):
    """One environment, deployed by `cdk deploy '<name>/*'`."""

    def __init__(self, scope: Construct, *, environment: Environment, package_of: PackageOf) -> None:
        super().__init__(scope, environment.name)
        self.stack = RepositoryWatchlist(self, "repository-watchlist", environment=environment, package_of=package_of)


def _usual_variables(environment: Environment) -> dict[str, str]:
    return {
        "LOG_LEVEL": environment.log_level,
        "POWERTOOLS_SERVICE_NAME": environment.service,
        "COMMITS_INTERVAL_HOURS": str(environment.commits_interval_hours),
        "HEALTH_INTERVAL_HOURS": str(environment.health_interval_hours),
        "MAX_SETUP_TASKS": str(environment.max_setup_tasks),
        "MAX_REFRESH_TASKS": str(environment.max_refresh_tasks),
        "MAX_OPEN_REFRESHES": str(environment.max_open_refreshes),
        "CHECKS_AT_ONCE": str(environment.checks_at_once),
        "CHECKS_A_SECOND": str(environment.checks_a_second),
        "ADDS_AN_HOUR": str(environment.adds_an_hour),
        "RETRIES_AN_HOUR": str(environment.retries_an_hour),
        "WATCHED_BY_A_USER": str(environment.watched_by_a_user),
        "CONNECTIONS_OF_A_USER": str(environment.connections_of_a_user),
        **({"GIT_HOSTS": written(environment.git_hosts)} if environment.git_hosts else {}),
    }


def _issuer(scope: Construct, environment: Environment, api: Api) -> JwtIssuer | None:
    """Return whose tokens are accepted, made if it is to be the environment's own."""
    if not isinstance(environment.jwt, OwnIssuer):
        return environment.jwt
    return UserPool(scope, "People", environment=environment, page_url=api.url, sign_up=environment.jwt.sign_up).issuer


def _access_variables(jwt: JwtIssuer | None) -> dict[str, str]:
    if jwt is None:
        return {"API_ACCESS": "signature"}
    variables = {"API_ACCESS": "token", "JWT_ISSUER": jwt.issuer, "JWT_AUDIENCE": ",".join(jwt.audience)}
    if jwt.operator_claim is not None:
        variables |= {"OPERATOR_CLAIM": jwt.operator_claim, "OPERATOR_VALUE": jwt.operator_value}
    if jwt.page_client_id is not None:
        variables["PAGE_CLIENT_ID"] = jwt.page_client_id
    if jwt.page_origins:
        variables["PAGE_SIGN_IN_ORIGINS"] = ",".join(jwt.page_origins)
    return variables


def _construct_id(function_name: str) -> str:
    return "".join(part.capitalize() for part in function_name.split("_"))
