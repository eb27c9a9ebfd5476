"""DynamoDB is called through one client, whatever is read and by whom."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import botocore.session
import pytest
from pynamodb.models import Model

from tests.integration.aws import Aws
from watchlist.settings import TableSettings, load
from watchlist.storage import records


def test_all_models_threads_and_transactions_share_one_client(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    create = botocore.session.Session.create_client

    def counted(session: botocore.session.Session, service: Any, *arguments: Any, **named: Any) -> Any:
        made.append(service)
        return create(session, service, *arguments, **named)

    models: list[type[Model]] = [records.Entry, records.UserEntry, records.SegmentRecord, records.AlertRecord] * 2
    together = Barrier(len(models))

    def read(model: type[Model]) -> list[Model]:
        together.wait(60)
        return list(model.query("nothing"))

    records.bind(load(TableSettings, aws.variables))
    monkeypatch.setattr(botocore.session.Session, "create_client", counted)
    with ThreadPoolExecutor(len(models)) as threads:
        assert list(threads.map(read, models)) == [[]] * len(models)
    with records.transaction() as transaction:
        transaction.delete(records.RepositoryKey("nothing", records.RepositoryKey.SK))
    assert made == ["dynamodb"]
