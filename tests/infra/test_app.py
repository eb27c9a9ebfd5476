import json
from pathlib import Path

import pytest

import app
from infra.packaging.build import Packages


def test_an_unknown_environment_ends_it_with_those_that_are_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(app.CONTEXT_VARIABLE, json.dumps({"environment": "production"}))
    with pytest.raises(SystemExit, match="'production': allowed are dev, staging, prod"):
        app.main()


def test_one_environment_is_synthesised_into_the_folder_that_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    package = tmp_path / "package"
    package.mkdir()
    (package / "handler.py").touch()
    monkeypatch.setattr(Packages, "package_of", lambda _self, _spec: package)
    monkeypatch.setenv(app.CONTEXT_VARIABLE, json.dumps({"environment": "staging"}))
    monkeypatch.setenv(app.OUTDIR_VARIABLE, str(tmp_path / "out"))

    app.main()

    assert [path.name for path in (tmp_path / "out").glob("assembly-*")] == ["assembly-staging"]
