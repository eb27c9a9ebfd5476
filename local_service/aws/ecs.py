"""ECS over SQLite: tasks that are accepted, listed and stopped; the task runner runs them.

In place of moto's, which takes 120 MB with what it imports (EC2's catalogues, IAM's policies), forgets its tasks, and
ignores the client's token. Semantics: ECS API reference, RunTask, StopTask, DescribeTasks.
"""

import json
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from local_service.aws.data_folder import Database
from local_service.aws.embedded import TASKS

Json = dict[str, Any]

OVERRIDES_CHARACTERS = 8192
_STOPPED_TASKS_LAST = 3600
"""ECS describes a stopped task for at least an hour."""


class TaskError(Exception):
    """ECS refuses.

    Attributes:
        code: the error's name.
    """

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


class Tasks:
    """The clusters, task definitions and tasks of one account; operations as in `Queues`."""

    def __init__(self, database: Database, account: str, region: str) -> None:
        self._database = database
        self._prefix = f"arn:aws:ecs:{region}:{account}"
        database.execute("CREATE TABLE IF NOT EXISTS clusters (name TEXT PRIMARY KEY)")
        database.execute(
            "CREATE TABLE IF NOT EXISTS task_definitions "
            "(family TEXT NOT NULL, revision INTEGER NOT NULL, definition TEXT NOT NULL, "
            "PRIMARY KEY (family, revision))"
        )
        database.execute(
            "CREATE TABLE IF NOT EXISTS tasks (number INTEGER PRIMARY KEY AUTOINCREMENT, arn TEXT NOT NULL UNIQUE, "
            "cluster TEXT NOT NULL, token TEXT UNIQUE, task TEXT NOT NULL, is_stopped INTEGER NOT NULL DEFAULT 0, "
            "created_at REAL NOT NULL)"
        )

    def call(self, operation: str, request: Json) -> Json:
        """Perform one call.

        Raises:
            TaskError: the call is refused.
        """
        perform = self._OPERATIONS.get(operation)
        if perform is None:
            raise TaskError("InvalidAction", f"{operation} is not supported here")
        return perform(self, request)

    def drop_old(self) -> None:
        """Forget tasks that stopped long ago."""
        oldest = time.time() - _STOPPED_TASKS_LAST
        self._database.execute("DELETE FROM tasks WHERE is_stopped AND created_at < ?", (oldest,))

    def _create_cluster(self, request: Json) -> Json:
        name = request["clusterName"]
        self._database.execute("INSERT OR IGNORE INTO clusters VALUES (?)", (name,))
        return {"cluster": {"clusterArn": self._cluster_arn(name), "clusterName": name, "status": "ACTIVE"}}

    def _register_task_definition(self, request: Json) -> Json:
        family = request["family"]
        (last,) = self._database.execute(
            "SELECT coalesce(max(revision), 0) FROM task_definitions WHERE family = ?", (family,)
        ).fetchone()
        arn = f"{self._prefix}:task-definition/{family}:{last + 1}"
        definition = {**request, "taskDefinitionArn": arn, "revision": last + 1, "status": "ACTIVE"}
        self._database.execute(
            "INSERT INTO task_definitions VALUES (?, ?, ?)", (family, last + 1, json.dumps(definition))
        )
        return {"taskDefinition": definition}

    def _describe_task_definition(self, request: Json) -> Json:
        return {"taskDefinition": self._definition(request["taskDefinition"])}

    def _run_task(self, request: Json) -> Json:
        """Accept one task; the same token is answered by the same task, whatever has become of it."""
        cluster = self._cluster(request)
        definition = self._definition(request["taskDefinition"])
        _check(request, definition)
        token = request.get("clientToken")
        row = self._database.execute("SELECT task FROM tasks WHERE token = ?", (token,)).fetchone()
        task = json.loads(row[0]) if row else self._accept(cluster, definition, request)
        return {"tasks": [task], "failures": []}

    def _accept(self, cluster: str, definition: Json, request: Json) -> Json:
        now = time.time()
        arn = f"{self._prefix}:task/{cluster}/{uuid.uuid4().hex}"
        capacity = request.get("capacityProviderStrategy") or [{"capacityProvider": "FARGATE"}]
        task = {
            "taskArn": arn,
            "clusterArn": self._cluster_arn(cluster),
            "taskDefinitionArn": definition["taskDefinitionArn"],
            "group": f"family:{definition['family']}",
            "startedBy": request.get("startedBy", ""),
            "launchType": "FARGATE",
            "capacityProviderName": capacity[0]["capacityProvider"],
            "lastStatus": "RUNNING",
            "desiredStatus": "RUNNING",
            "containers": [
                {"containerArn": f"{arn}/{each['name']}", "name": each["name"], "taskArn": arn, "lastStatus": "RUNNING"}
                for each in definition["containerDefinitions"]
            ],
            "overrides": request.get("overrides", {}),
            "createdAt": now,
        }
        self._database.execute(
            "INSERT INTO tasks (arn, cluster, token, task, created_at) VALUES (?, ?, ?, ?, ?)",
            (arn, cluster, request.get("clientToken"), json.dumps(task), now),
        )
        self._database.touch(TASKS)
        return task

    def _list_tasks(self, request: Json) -> Json:
        is_stopped = request.get("desiredStatus", "RUNNING") == "STOPPED"
        rows = self._database.execute(
            "SELECT arn FROM tasks WHERE cluster = ? AND is_stopped = ? ORDER BY number",
            (self._cluster(request), is_stopped),
        )
        return {"taskArns": [arn for (arn,) in rows]}

    def _describe_tasks(self, request: Json) -> Json:
        self._cluster(request)
        found = {arn: self._task(arn) for arn in request["tasks"]}
        return {
            "tasks": [task for task in found.values() if task is not None],
            "failures": [{"arn": arn, "reason": "MISSING"} for arn, task in found.items() if task is None],
        }

    def _stop_task(self, request: Json) -> Json:
        self._cluster(request)
        task = self._task(request["task"])
        if task is None:
            raise TaskError("InvalidParameterException", "The referenced task was not found.")
        task |= {
            "lastStatus": "STOPPED",
            "desiredStatus": "STOPPED",
            "stoppedReason": request.get("reason", ""),
            "stoppedAt": time.time(),
        }
        self._database.execute(
            "UPDATE tasks SET task = ?, is_stopped = 1 WHERE arn = ?", (json.dumps(task), task["taskArn"])
        )
        self._database.touch(TASKS)
        return {"task": task}

    def _task(self, arn: str) -> Json | None:
        row = self._database.execute("SELECT task FROM tasks WHERE arn = ?", (arn,)).fetchone()
        return None if row is None else json.loads(row[0])

    def _cluster(self, request: Json) -> str:
        name: str = request.get("cluster", "default").rpartition("/")[2]
        if self._database.execute("SELECT 1 FROM clusters WHERE name = ?", (name,)).fetchone() is None:
            raise TaskError("ClusterNotFoundException", "Cluster not found.")
        return name

    def _definition(self, arn: str) -> Json:
        family, _, revision = arn.rpartition("/")[2].partition(":")
        row = self._database.execute(
            "SELECT definition FROM task_definitions WHERE family = ? AND revision = coalesce(?, revision) "
            "ORDER BY revision DESC",
            (family, int(revision) if revision.isdecimal() else None),
        ).fetchone()
        if row is None:
            raise TaskError("ClientException", "Unable to describe task definition.")
        definition: Json = json.loads(row[0])
        return definition

    def _cluster_arn(self, name: str) -> str:
        return f"{self._prefix}:cluster/{name}"

    _OPERATIONS: ClassVar[Mapping[str, Callable[["Tasks", Json], Json]]] = {
        "CreateCluster": _create_cluster,
        "DescribeTaskDefinition": _describe_task_definition,
        "DescribeTasks": _describe_tasks,
        "ListTasks": _list_tasks,
        "RegisterTaskDefinition": _register_task_definition,
        "RunTask": _run_task,
        "StopTask": _stop_task,
    }


def _check(request: Json, definition: Json) -> None:
    """Raise TaskError for what ECS would not accept."""
    network = request.get("networkConfiguration", {}).get("awsvpcConfiguration", {})
    if not network.get("subnets"):
        raise TaskError("InvalidParameterException", "subnets can not be empty.")
    overrides = request.get("overrides", {})
    if len(json.dumps(overrides)) > OVERRIDES_CHARACTERS:
        raise TaskError(
            "InvalidParameterException", f"Container Overrides length must be at most {OVERRIDES_CHARACTERS}"
        )
    names = {container["name"] for container in definition["containerDefinitions"]}
    for override in overrides.get("containerOverrides", ()):
        if override.get("name") not in names:
            message = f"Override for container named {override.get('name')} is not a container in the TaskDefinition."
            raise TaskError("InvalidParameterException", message)
