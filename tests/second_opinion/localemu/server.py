"""LocalEmu whose Lambda functions are processes of this machine instead of containers.

    CREDENTIALS_LISTEN=HOST:PORT PYTHON-3.13 tests/second_opinion/localemu/server.py

Runs with the Python that LocalEmu is installed for, in a process group of its own, all of which ends with its stdin.
It listens on the loopback alone; LocalEmu by itself would on all of the machine's addresses, whatever it is told.

A function runs as Lambda runs it: its unpacked package under `awslambdaric`, with the variables, the role's credentials
and the time limit that LocalEmu gives it.

What LocalEmu asks IAM is put right where it is not what AWS asks: a transaction needs the permissions of its parts,
each on its part's table (LocalEmu wants four on every table); a batch needs its operation's on each of its tables; a
query of an index needs that of the index; RunTask has the condition key `ecs:cluster` and the task definition's ARN;
PutEvents is asked of each entry's bus; moving dead letters needs what SQS does in the caller's name.

Tasks of ECS stay as they are until they are stopped: `stack.fargate` runs them. Their credentials are handed out as
ECS does it (ECS guide, "Task IAM role"): at a path that only the task knows, for the role that the task's definition
names, which must let `ecs-tasks.amazonaws.com` take it.
"""

import http.server
import inspect
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any

from localemu import config
from localemu.aws.connect import connect_to
from localemu.runtime import main as runtime
from localemu.services.dynamodb.utils import ItemFinder
from localemu.services.iam_enforcement import enforcer
from localemu.services.iam_enforcement.evaluator import Decision, PolicyEvaluator
from localemu.services.lambda_.invocation.lambda_models import FunctionVersion, InvocationResult
from localemu.services.lambda_.invocation.plugins import DockerRuntimeExecutorPlugin
from localemu.services.lambda_.invocation.runtime_executor import RuntimeExecutor
from localemu.services.sqs.models import StandardQueue
from moto.ecs.models import EC2ContainerServiceBackend
from moto.moto_api import state_manager
from twisted.internet import endpoints

_HOST = "127.0.0.1"
_RUNTIME = "/2018-06-01/runtime"


class FunctionProcess(RuntimeExecutor):
    """One execution environment: a process, and the runtime API that it asks for work."""

    def __init__(self, id: str, function_version: FunctionVersion) -> None:  # noqa: A002 - LocalEmu's name
        super().__init__(id, function_version)
        self._next: queue.Queue[dict[str, str]] = queue.Queue()
        self._answer: Future[InvocationResult] = Future()
        self._ready: Future[None] = Future()
        self._log = Path(tempfile.gettempdir(), f"{function_version.id.function_name}-{id}.log")

    def start(self, env_vars: dict[str, str]) -> None:
        """Start the process and wait until it asks for work.

        Raises:
            RuntimeError: it ended before, or said why it cannot start.
        """
        self._server = http.server.ThreadingHTTPServer((_HOST, 0), self._handler())
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        code = str(self.function_version.config.code.get_unzipped_code_location())
        variables = {
            **{name: str(value) for name, value in env_vars.items()},
            "AWS_LAMBDA_RUNTIME_API": f"{_HOST}:{self._server.server_port}",
            "LAMBDA_TASK_ROOT": code,
            "PATH": os.environ["PATH"],
            "PYTHONPATH": code,
        }
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "awslambdaric", variables["_HANDLER"]],
                cwd=code,
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        threading.Thread(target=self._watch, daemon=True).start()
        self._ready.result()

    def stop(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        self._server.shutdown()
        self._server.server_close()

    def invoke(self, payload: dict[str, str], function_timeout: int | None = None) -> InvocationResult:
        """Hand over an event and wait for the answer, as long as the function may take."""
        self._answer = Future()
        self._next.put(payload)
        return self._answer.result(function_timeout)

    def get_address(self) -> str:
        return _HOST

    def get_endpoint_from_executor(self) -> str:
        return _HOST

    def get_runtime_endpoint(self) -> str:
        return f"http://{_HOST}:{config.GATEWAY_LISTEN[0].port}"

    def get_logs(self) -> str:
        return self._log.read_text(errors="replace")

    @classmethod
    def prepare_version(cls, function_version: FunctionVersion) -> None:
        function_version.config.code.prepare_for_execution()

    @classmethod
    def cleanup_version(cls, function_version: FunctionVersion) -> None:
        """Leave what was unpacked: everything ends with the process."""

    def _watch(self) -> None:
        status = self._process.wait()
        for future in (self._ready, self._answer):
            if not future.done():
                future.set_exception(RuntimeError(f"{self.function_version.id.function_name}: exit {status}"))

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        executor = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                if not executor._ready.done():
                    executor._ready.set_result(None)
                event = executor._next.get()
                self._answer(200, event["payload"].encode(), executor._headers(event))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                *_, request_id, kind = self.path.removeprefix(_RUNTIME).split("/")
                if self.path.endswith("/init/error"):
                    executor._ready.set_exception(RuntimeError(body.decode()))
                else:
                    result = InvocationResult(request_id, body, is_error=kind == "error", logs=executor.get_logs())
                    executor._answer.set_result(result)
                self._answer(202, b"{}", {})

            def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Say nothing: the function's own log is what counts."""

        return Handler

    def _headers(self, event: dict[str, str]) -> dict[str, str]:
        seconds = self.function_version.config.timeout
        return {
            "Content-Type": "application/json",  # without it Lambda's client dies
            "Lambda-Runtime-Aws-Request-Id": event["invoke-id"],
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + seconds) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": event["invoked-function-arn"],
            "Lambda-Runtime-Trace-Id": event.get("trace-id") or "",
        }


class _Asked(str):
    """A call's resource, which also says all that the call needs."""

    __slots__ = ("conditions", "needs")

    needs: list[tuple[str, str]]
    conditions: dict[str, str]


def _asked(service: str, operation: str, request_params: dict[str, Any] | None, region: str, account_id: str) -> _Asked:
    """Return what a call needs, as the service authorization reference has it, where LocalEmu has it otherwise."""
    request = request_params or {}
    asked = _Asked(_BUILD_ARN(service, operation, request, region, account_id))
    asked.needs, asked.conditions = [], {}
    if service == "ecs" and operation == "RunTask":
        task = request["cluster"].replace(":cluster/", ":task/") + "/new"
        asked.needs = [("ecs:RunTask", request["taskDefinition"])]
        asked.needs += [("ecs:TagResource", task)] if "propagateTags" in request else []
        asked.conditions = {"ecs:cluster": request["cluster"]}
    if service == "dynamodb":
        table = f"arn:aws:dynamodb:{region}:{account_id}:table/"
        asked.needs = [(f"dynamodb:{action}", table + name) for action, name in _of_tables(operation, request)]
    if service == "events" and operation == "PutEvents":
        buses = {entry.get("EventBusName", "default").rpartition("/")[2] for entry in request["Entries"]}
        asked.needs = [("events:PutEvents", f"arn:aws:events:{region}:{account_id}:event-bus/{bus}") for bus in buses]
    if service == "sqs" and operation == "StartMessageMoveTask":
        asked.needs = [(f"sqs:{action}", request["SourceArn"]) for action in _OF_MOVE]
    return asked


def _of_tables(operation: str, request: dict[str, Any]) -> list[tuple[str, str]]:
    if operation.startswith("Transact"):
        parts = [part for item in request["TransactItems"] for part in item.items()]
        return [(_OF_PART[kind], part["TableName"]) for kind, part in parts]
    if operation.startswith("Batch"):
        return [(operation, name) for name in request["RequestItems"]]
    if "IndexName" in request:
        return [(operation, f"{request['TableName']}/index/{request['IndexName']}")]
    return []


_TLS = "aws:SecureTransport"
"""Nothing leaves the machine, so nothing is encrypted; policies that want TLS are to be asked as if it were."""

_OF_PART = {
    "ConditionCheck": "ConditionCheckItem",
    "Delete": "DeleteItem",
    "Get": "GetItem",
    "Put": "PutItem",
    "Update": "UpdateItem",
}

_OF_MOVE = ("StartMessageMoveTask", "ReceiveMessage", "DeleteMessage", "GetQueueAttributes")
"""What moving messages takes on the queue that they leave (SQS guide, "dead-letter queue redrive permissions")."""

_BUILD_ARN = enforcer.build_resource_arn
_EVALUATE = PolicyEvaluator.evaluate


def _evaluate(
    self: PolicyEvaluator, caller: Any, action: str, resource: str, conditions: dict[str, Any], **named: Any
) -> Any:
    decision = None
    needs = getattr(resource, "needs", None) or [(action, str(resource))]
    for needed, of in needs:
        conditions_of_call = {**conditions, _TLS: "true", **getattr(resource, "conditions", {})}
        decision = _EVALUATE(self, caller, needed, of, conditions_of_call, **named)
        if decision is not Decision.ALLOW:
            break
    return decision


def _run_task(self: Any, *arguments: Any, **named: Any) -> Any:
    """Take a capacity provider's task for one of Fargate's: moto looks for machines in the cluster otherwise."""
    call = inspect.signature(_RUN_TASK).bind(self, *arguments, **named)
    call.arguments["launch_type"] = "FARGATE"
    tasks = _RUN_TASK(*call.args, **call.kwargs)
    for task in tasks:
        definition = self.describe_task_definition(task.task_definition_arn)
        _TASKS[f"/v2/credentials/{task.id}"] = (task.region_name, definition.task_role_arn)
    return tasks


_RUN_TASK = EC2ContainerServiceBackend.run_task


def _put(self: StandardQueue, message: dict[str, Any], *arguments: Any, **named: Any) -> Any:
    """Take a message that comes back from the dead-letter queue for a new one, as SQS does."""
    attributes = message.get("Attributes") or {}
    if attributes.get("DeadLetterQueueSourceArn") == self.arn:
        kept = {name: value for name, value in attributes.items() if name in ("SenderId", "AWSTraceHeader")}
        sent_at = str(int(time.time() * 1000))
        message = {**message, "MessageId": str(uuid.uuid4()), "Attributes": {**kept, "SentTimestamp": sent_at}}
    return _PUT(self, message, *arguments, **named)


_PUT = StandardQueue.put


def _existing_items(put_items_per_table: dict[str, list[Any]], **where: str) -> dict[str, list[Any]]:
    """Look items up one by one: what a transaction or a batch changes is missing in streams otherwise."""
    found = {
        table: [ItemFinder.find_existing_item(request, table, **where) for request in requests]
        for table, requests in put_items_per_table.items()
    }
    return {table: [item for item in items if item] for table, items in found.items()}


_TASKS: dict[str, tuple[str, str]] = {}
"""Region and role of each task by the path at which it asks for credentials."""


class _TaskCredentials(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path not in _TASKS:
            self.send_error(404)
            return
        region, role = _TASKS[self.path]
        sts = connect_to(region_name=region).sts.request_metadata(service_principal="ecs-tasks")
        taken = sts.assume_role(RoleArn=role, RoleSessionName=self.path.rpartition("/")[2])["Credentials"]
        names = {"AccessKeyId": "AccessKeyId", "SecretAccessKey": "SecretAccessKey", "SessionToken": "Token"}
        credentials = {name: taken[key] for key, name in names.items()}
        document = {**credentials, "RoleArn": role, "Expiration": taken["Expiration"].isoformat()}
        body = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def _end_with_stdin() -> None:
    """End the functions' processes, too, however whoever started this ends."""
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os.killpg(0, signal.SIGKILL)


def main() -> None:
    """Serve until stdin ends."""
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    state_manager.set_transition("ecs::task", {"progression": "manual", "times": sys.maxsize})
    host, _, port = os.environ["CREDENTIALS_LISTEN"].rpartition(":")
    credentials = http.server.ThreadingHTTPServer((host, int(port)), _TaskCredentials)
    threading.Thread(target=credentials.serve_forever, daemon=True).start()
    endpoints.TCP4ServerEndpoint = partial(endpoints.TCP4ServerEndpoint, interface=_HOST)
    DockerRuntimeExecutorPlugin.load = lambda *_args, **_named: FunctionProcess
    StandardQueue.put = _put
    ItemFinder.find_existing_items = staticmethod(_existing_items)
    EC2ContainerServiceBackend.run_task = _run_task  # type: ignore[method-assign]
    enforcer.build_resource_arn = _asked
    PolicyEvaluator.evaluate = _evaluate
    runtime.main()


if __name__ == "__main__":
    main()
