"""What is read out of lock files, manifests and bills of materials."""

import json
from pathlib import Path
from textwrap import dedent

import pytest
from watchlist_cli.dependencies.dependency import UnreadableFileError
from watchlist_cli.dependencies.files import found_below, read


def written(folder: Path, name: str, content: str | dict[str, object]) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def packages(path: Path) -> dict[str, str | None]:
    """Return by package URL what the file itself says of the source code."""
    return {each.purl.to_string(): each.stated.text if each.stated else None for each in read(path)}


FILES: dict[str, tuple[str | dict[str, object], dict[str, str | None]]] = {
    "requirements.txt": (
        dedent("""\
            # comment
            Flask==3.1.0 \\
                --hash=sha256:0123456789abcdef  # another
            uvicorn[standard]>=0.30 ; python_version >= "3.11"
            pinned.Name===1.0
            wild==2.*
            tool @ git+https://github.com/owner/tool@v1
            -e git+https://gitlab.com/group/sub/thing.git#egg=thing
            git+ssh://git@github.com/owner/unnamed.git@main
            archive @ https://example.org/archive-1.0.zip
            ./local
            --index-url https://example.org/simple
            """),
        {
            "pkg:pypi/flask@3.1.0": None,
            "pkg:pypi/uvicorn": None,
            "pkg:pypi/pinned-name@1.0": None,
            "pkg:pypi/wild": None,
            "pkg:pypi/tool": "git+https://github.com/owner/tool@v1",
            "pkg:pypi/thing": "git+https://gitlab.com/group/sub/thing.git#egg=thing",
            "pkg:pypi/unnamed": "git+ssh://git@github.com/owner/unnamed.git@main",
            "pkg:pypi/archive": None,
        },
    ),
    "pyproject.toml": (
        dedent("""\
            [project]
            dependencies = ["httpx>=0.27", "own @ git+https://github.com/me/own"]
            optional-dependencies = { docs = ["sphinx==8.1.3"] }
            [dependency-groups]
            test = ["pytest", { include-group = "docs" }]
            [tool.poetry.dependencies]
            python = "^3.11"
            attrs = "^25"
            forked = { git = "https://github.com/me/forked.git" }
            here = { path = "../here" }
            [tool.poetry.group.dev.dependencies]
            ruff = "*"
            """),
        {
            "pkg:pypi/httpx": None,
            "pkg:pypi/own": "git+https://github.com/me/own",
            "pkg:pypi/sphinx@8.1.3": None,
            "pkg:pypi/pytest": None,
            "pkg:pypi/attrs": None,
            "pkg:pypi/forked": "https://github.com/me/forked.git",
            "pkg:pypi/ruff": None,
        },
    ),
    "uv.lock": (
        dedent("""\
            version = 1
            [[package]]
            name = "project"
            version = "0.1"
            source = { editable = "." }
            [[package]]
            name = "idna"
            version = "3.10"
            source = { registry = "https://example.org/simple" }
            [[package]]
            name = "forked"
            version = "1.0"
            source = { git = "https://github.com/me/forked?rev=main#0123" }
            """),
        {"pkg:pypi/idna@3.10": None, "pkg:pypi/forked@1.0": "https://github.com/me/forked?rev=main#0123"},
    ),
    "poetry.lock": (
        dedent("""\
            [[package]]
            name = "six"
            version = "1.17.0"
            [[package]]
            name = "forked"
            version = "1.0"
            [package.source]
            type = "git"
            url = "https://github.com/me/forked.git"
            """),
        {"pkg:pypi/six@1.17.0": None, "pkg:pypi/forked@1.0": "https://github.com/me/forked.git"},
    ),
    "pdm.lock": (
        '[[package]]\nname = "six"\nversion = "1.17.0"\n[[package]]\nname = "mine"\nversion = "0"\npath = "./mine"\n',
        {"pkg:pypi/six@1.17.0": None},
    ),
    "pylock.toml": (
        dedent("""\
            lock-version = "1.0"
            [[packages]]
            name = "attrs"
            version = "25.1.0"
            [[packages]]
            name = "forked"
            vcs = { type = "git", url = "https://github.com/me/forked", commit-id = "0123" }
            """),
        {"pkg:pypi/attrs@25.1.0": None, "pkg:pypi/forked": "https://github.com/me/forked"},
    ),
    "Pipfile.lock": (
        {
            "default": {"requests": {"version": "==2.32.3"}, "forked": {"git": "https://github.com/me/forked.git"}},
            "develop": {"mine": {"path": "."}},
        },
        {"pkg:pypi/requests@2.32.3": None, "pkg:pypi/forked": "https://github.com/me/forked.git"},
    ),
    "package.json": (
        {
            "dependencies": {"react": "^19.0.0", "@scope/tool": "1.2.3", "old": "npm:new@2.0.0", "mine": "workspace:*"},
            "devDependencies": {"forked": "github:me/forked#main", "short": "me/short"},
        },
        {
            "pkg:npm/react": None,
            "pkg:npm/%40scope/tool@1.2.3": None,
            "pkg:npm/new@2.0.0": None,
            "pkg:npm/forked": "github:me/forked#main",
            "pkg:npm/short": "me/short",
        },
    ),
    "package-lock.json": (
        {
            "lockfileVersion": 3,
            "packages": {
                "": {"name": "project"},
                "node_modules/react": {"version": "19.0.0"},
                "node_modules/a/node_modules/@scope/tool": {"version": "1.0.0"},
                "node_modules/forked": {"version": "1.0.0", "resolved": "git+ssh://git@github.com/me/forked.git#0123"},
                "node_modules/mine": {"resolved": "packages/mine", "link": True},
                "packages/mine": {"version": "0.0.1"},
            },
        },
        {
            "pkg:npm/react@19.0.0": None,
            "pkg:npm/%40scope/tool@1.0.0": None,
            "pkg:npm/forked@1.0.0": "git+ssh://git@github.com/me/forked.git#0123",
        },
    ),
    "npm-shrinkwrap.json": (
        {"dependencies": {"a": {"version": "1.0.0", "dependencies": {"b": {"version": "2.0.0"}}}}},
        {"pkg:npm/a@1.0.0": None, "pkg:npm/b@2.0.0": None},
    ),
    "pnpm-lock.yaml": (
        dedent("""\
            lockfileVersion: '9.0'
            packages:
              react@19.0.0: {resolution: {integrity: sha512-x}}
              '@scope/tool@1.0.0(react@19.0.0)': {}
              /old/1.2.3: {}
              /@old/one@1.2.3: {}
              https://codeload.github.com/me/forked/tar.gz/0123: {name: forked}
              file:mine: {}
            """),
        {
            "pkg:npm/react@19.0.0": None,
            "pkg:npm/%40scope/tool@1.0.0": None,
            "pkg:npm/old@1.2.3": None,
            "pkg:npm/%40old/one@1.2.3": None,
            "pkg:npm/forked": "https://github.com/me/forked",
        },
    ),
    "yarn.lock": (
        dedent("""\
            # yarn lockfile v1

            "@scope/tool@^1.0.0", "@scope/tool@^1.1.0":
              version "1.1.0"
              resolved "https://example.org/tool.tgz#0"

            react@^19.0.0:
              version "19.0.0"

            "forked@git+https://github.com/me/forked.git":
              version "1.0.0"
              resolved "git+https://github.com/me/forked.git#0123"

            "mine@file:./mine":
              version "0.0.1"
            """),
        {
            "pkg:npm/%40scope/tool@1.1.0": None,
            "pkg:npm/react@19.0.0": None,
            "pkg:npm/forked@1.0.0": "git+https://github.com/me/forked.git#0123",
        },
    ),
    "go.mod": (
        dedent("""\
            module example.org/project // the project
            go 1.24
            require github.com/Owner/one v1.0.0
            require (
                golang.org/x/net v0.30.0 // indirect
                example.org/gone v0.1.0
                example.org/mine v0.0.0
            )
            replace example.org/gone => github.com/me/gone v0.2.0
            replace example.org/mine => ../mine
            """),
        {
            "pkg:golang/github.com/Owner/one@v1.0.0": None,
            "pkg:golang/golang.org/x/net@v0.30.0": None,
            "pkg:golang/github.com/me/gone@v0.2.0": None,
        },
    ),
    "Cargo.toml": (
        dedent("""\
            [dependencies]
            serde = "1"
            renamed = { package = "real", version = "2" }
            mine = { path = "../mine" }
            [dev-dependencies]
            forked = { git = "https://github.com/me/forked" }
            [target.'cfg(unix)'.dependencies]
            nix = "0.29"
            """),
        {
            "pkg:cargo/serde": None,
            "pkg:cargo/real": None,
            "pkg:cargo/forked": "https://github.com/me/forked",
            "pkg:cargo/nix": None,
        },
    ),
    "Cargo.lock": (
        dedent("""\
            version = 4
            [[package]]
            name = "project"
            version = "0.1.0"
            [[package]]
            name = "serde"
            version = "1.0.1"
            source = "registry+https://example.org/index"
            [[package]]
            name = "forked"
            version = "0.1.0"
            source = "git+https://github.com/me/forked?branch=main#0123"
            """),
        {
            "pkg:cargo/serde@1.0.1": None,
            "pkg:cargo/forked@0.1.0": "git+https://github.com/me/forked?branch=main#0123",
        },
    ),
    "pom.xml": (
        dedent("""\
            <project xmlns="http://maven.apache.org/POM/4.0.0">
              <groupId>org.mine</groupId><version>1</version>
              <properties><junit.version>5.11.0</junit.version></properties>
              <dependencies>
                <dependency><groupId>org.junit.jupiter</groupId><artifactId>junit-jupiter</artifactId>
                  <version>${junit.version}</version></dependency>
                <dependency><groupId>${project.groupId}</groupId><artifactId>sibling</artifactId></dependency>
                <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-api</artifactId></dependency>
              </dependencies>
              <build><plugins><plugin><artifactId>maven-compiler-plugin</artifactId></plugin></plugins></build>
            </project>
            """),
        {
            "pkg:maven/org.junit.jupiter/junit-jupiter@5.11.0": None,
            "pkg:maven/org.slf4j/slf4j-api": None,
            "pkg:maven/org.apache.maven.plugins/maven-compiler-plugin": None,
        },
    ),
    "Gemfile.lock": (
        dedent("""\
            GIT
              remote: https://github.com/me/forked.git
              revision: 0123
              specs:
                forked (1.0)

            PATH
              remote: .
              specs:
                mine (0.1)

            GEM
              remote: https://example.org/
              specs:
                rack (3.1.8)
                rails (8.0.0)
                  rack (>= 2)

            DEPENDENCIES
              rails
            """),
        {
            "pkg:gem/forked@1.0": "https://github.com/me/forked.git",
            "pkg:gem/rack@3.1.8": None,
            "pkg:gem/rails@8.0.0": None,
        },
    ),
    "composer.lock": (
        {
            "packages": [
                {
                    "name": "symfony/console",
                    "version": "v7.2.0",
                    "source": {"type": "git", "url": "https://github.com/symfony/console.git"},
                }
            ],
            "packages-dev": [
                {"name": "me/tool", "version": "1.0", "dist": {"url": "https://archives.example.org/tool.zip"}},
                {"name": "me/archived", "dist": {"url": "https://api.github.com/repos/me/archived/zipball/0123"}},
            ],
        },
        {
            "pkg:composer/symfony/console@v7.2.0": "https://github.com/symfony/console.git",
            "pkg:composer/me/tool@1.0": None,
            "pkg:composer/me/archived": "https://api.github.com/repos/me/archived/zipball/0123",
        },
    ),
    "bom.json": (
        {
            "bomFormat": "CycloneDX",
            "components": [
                {
                    "purl": "pkg:npm/a@1.0.0",
                    "externalReferences": [{"type": "license", "url": "https://github.com/me/licences"}],
                    "components": [{"purl": "pkg:npm/b@2.0.0"}],
                },
                {"name": "without a package URL"},
                {"purl": "none at all"},
            ],
        },
        {"pkg:npm/a@1.0.0": None, "pkg:npm/b@2.0.0": None},
    ),
    "any.spdx.json": (
        {
            "spdxVersion": "SPDX-2.3",
            "documentDescribes": ["SPDXRef-project"],
            "packages": [
                {
                    "SPDXID": "SPDXRef-project",
                    "externalRefs": [{"referenceType": "purl", "referenceLocator": "pkg:github/me/project"}],
                },
                {
                    "SPDXID": "SPDXRef-a",
                    "downloadLocation": "git+https://github.com/me/a.git",
                    "externalRefs": [{"referenceType": "purl", "referenceLocator": "pkg:pypi/a@1"}],
                },
                {
                    "SPDXID": "SPDXRef-b",
                    "downloadLocation": "https://example.org/b-1.tar.gz",
                    "externalRefs": [{"referenceType": "purl", "referenceLocator": "pkg:pypi/b@1"}],
                },
            ],
        },
        {"pkg:pypi/a@1": "git+https://github.com/me/a.git", "pkg:pypi/b@1": None},
    ),
    "github-export.json": (
        {
            "sbom": {
                "spdxVersion": "SPDX-2.3",
                "packages": [
                    {
                        "SPDXID": "SPDXRef-1",
                        "downloadLocation": "NOASSERTION",
                        "externalRefs": [
                            {"referenceType": "purl", "referenceLocator": "pkg:githubactions/actions/cache"}
                        ],
                    }
                ],
            }
        },
        {"pkg:githubactions/actions/cache": None},
    ),
    "spdx3.json": (
        {
            "@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld",
            "@graph": [
                {"type": "software_Package", "software_packageUrl": "pkg:pypi/a@1"},
                {
                    "type": "software_Package",
                    "externalIdentifier": [
                        {"externalIdentifierType": "packageUrl", "identifier": "pkg:pypi/b@1"},
                    ],
                },
                {"type": "Person"},
            ],
        },
        {"pkg:pypi/a@1": None, "pkg:pypi/b@1": None},
    ),
    "watched.txt": (
        "# ours\npkg:pypi/flask\nhttps://github.com/me/a  # because\ngit@github.com:me/b.git\n",
        {
            "pkg:pypi/flask": None,
            "pkg:generic/https://github.com/me/a": "https://github.com/me/a",
            "pkg:generic/git%40github.com:me/b.git": "git@github.com:me/b.git",
        },
    ),
    "dev.txt": ("six==1.17.0 \\\n    --hash=sha256:01\n", {"pkg:pypi/six@1.17.0": None}),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_names_its_packages(tmp_path: Path, name: str) -> None:
    content, expected = FILES[name]
    found = packages(written(tmp_path, name, content))
    assert {name: found[name] for name in found if "generic" not in name} == {
        name: expected[name] for name in expected if "generic" not in name
    }
    assert [found[name] for name in found if "generic" in name] == [
        expected[name] for name in expected if "generic" in name
    ]


def test_the_successors_of_yarn_1_write_yaml(tmp_path: Path) -> None:
    content = dedent("""\
        __metadata:
          version: 8
        "react@npm:^19.0.0":
          version: 19.0.0
          resolution: "react@npm:19.0.0"
        "@scope/tool@npm:1":
          version: 1.0.0
          resolution: "@scope/tool@npm:1.0.0"
        "forked@git@github.com:me/forked.git":
          version: 1.0.0
          resolution: "forked@git@github.com:me/forked.git#commit=0123"
        "mine@workspace:mine":
          resolution: "mine@workspace:mine"
        """)
    assert packages(written(tmp_path, "yarn.lock", content)) == {
        "pkg:npm/react@19.0.0": None,
        "pkg:npm/%40scope/tool@1.0.0": None,
        "pkg:npm/forked": "git@github.com:me/forked.git#commit=0123",
    }


def test_included_requirements_are_read_too_and_circles_end(tmp_path: Path) -> None:
    written(tmp_path, "base/requirements.txt", "six\n-r ../requirements.txt\n")
    path = written(tmp_path, "requirements.txt", "-r base/requirements.txt\nidna\n")
    assert packages(path).keys() == {"pkg:pypi/six", "pkg:pypi/idna"}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("requirements.txt", "this is no requirement\n"),
        ("requirements.txt", "-r missing.txt\n"),
        ("uv.lock", "package = 1\n"),
        ("uv.lock", "[[package\n"),
        ("uv.lock", "[[package]]\nversion = '1'\n"),
        ("package-lock.json", "[]"),
        ("package.json", "{"),
        ("package.json", "[" * 100_000),
        ("pnpm-lock.yaml", "a: [b"),
        ("yarn.lock", "__metadata: 1\na: [b"),
        ("pom.xml", "<project>"),
        ("pom.xml", '<!DOCTYPE a [<!ENTITY x "y">]><project>&x;</project>'),
        ("go.mod", "require example.org/a\n"),
        ("unknown.json", "{}"),
        ("unknown.bin", "x"),
        ("list.txt", "pkg:nothing\n"),
    ],
)
def test_a_damaged_file_is_named_with_the_reason(tmp_path: Path, name: str, content: str) -> None:
    path = written(tmp_path, name, content)
    with pytest.raises(UnreadableFileError, match=name if "missing" not in content else "missing.txt"):
        read(path)


def test_a_file_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match="no such file"):
        read(tmp_path / "uv.lock")


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "requirements.txt"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UnreadableFileError, match=r"requirements\.txt"):
        read(path)


def test_below_a_folder_lock_files_go_before_manifests_and_other_peoples_projects_are_passed_over(
    tmp_path: Path,
) -> None:
    names = [
        "uv.lock",
        "pyproject.toml",
        "web/package.json",
        "web/node_modules/a/package.json",
        ".venv/x/pyproject.toml",
        "rust/Cargo.lock",
        "rust/Cargo.toml",
        "rust/crates/inner/Cargo.toml",
        "rusty/Cargo.toml",
    ]
    for name in [*names, "tools/pyproject.toml", "README.md"]:
        written(tmp_path, name, "")
    found = {path.relative_to(tmp_path).as_posix() for path in found_below(tmp_path)}
    assert found == {"uv.lock", "web/package.json", "tools/pyproject.toml", "rust/Cargo.lock", "rusty/Cargo.toml"}


def test_a_bill_of_materials_repeats_links_of_packages_and_those_of_others_are_left_out(tmp_path: Path) -> None:
    references = [("vcs", "https://github.com/me/a"), ("license", "https://github.com/you/b"), ("website", None)]
    component = {
        "purl": "pkg:npm/a@1.0.0",
        "externalReferences": [{"type": kind, "url": url} for kind, url in references],
    }
    (read_cyclonedx,) = read(written(tmp_path, "bom.json", {"bomFormat": "CycloneDX", "components": [component]}))
    assert (read_cyclonedx.stated, read_cyclonedx.links) == (None, (("vcs", "https://github.com/me/a"),))

    package = {
        "homepage": "https://github.com/me/a",
        "downloadLocation": "NOASSERTION",
        "externalRefs": [{"referenceType": "purl", "referenceLocator": "pkg:npm/a@1.0.0"}],
    }
    (read_spdx,) = read(written(tmp_path, "a.spdx.json", {"spdxVersion": "SPDX-2.3", "packages": [package]}))
    assert (read_spdx.stated, read_spdx.links) == (None, (("homepage", "https://github.com/me/a"),))
