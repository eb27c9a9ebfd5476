import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchlist.releases.version import parse

SPELLINGS = {
    "v1.2.3": ("", "1.2.3"),
    "1.2": ("", "1.2"),
    "V1_2": ("", "1_2"),
    "v.1.2.3": ("", "1.2.3"),
    "v4": ("", "4"),
    "release-1.2.3": ("", "1.2.3"),
    "release/v1.2": ("", "1.2"),
    "REL_15_3": ("", "15_3"),
    "version-1.2": ("", "1.2"),
    "n6.1": ("", "6.1"),
    "name-1.2.3": ("name", "1.2.3"),
    "name@1.2.3": ("name", "1.2.3"),
    "@scope/name@1.2.3": ("scope-name", "1.2.3"),
    "sdk/v1.2.3": ("sdk", "1.2.3"),
    "curl-8_5_0": ("curl", "8_5_0"),
    "go1.21.3": ("go", "1.21.3"),
    "jdk-21+35": ("jdk", "21+35"),
    "log4j-2.17.1": ("log4j", "2.17.1"),
    "python3-lib-1.0": ("python3-lib", "1.0"),
    "OpenSSL_1_1_1w": ("openssl", "1_1_1w"),
    "V_9_6_P1": ("", "9_6_P1"),
    "4.1.0.Final": ("", "4.1.0.Final"),
    "2024.01": ("", "2024.01"),
    "2024-01-15": ("", "2024-01-15"),
    "2024a": ("", "2024a"),
    "release2024": ("", "2024"),
    "r2024": ("", "2024"),
    "v2024": ("", "2024"),
    "3.7b": ("", "3.7b"),
    "dev-tools@1.0": ("dev-tools", "1.0"),
    "our.repo-1.2": ("", "1.2"),
}


@pytest.mark.parametrize("tag", SPELLINGS)
def test_the_usual_spellings_are_versions(tag: str) -> None:
    version = parse(tag, "Our-Repo")
    assert version
    assert (version.product, version.text, version.is_prerelease) == (*SPELLINGS[tag], False)


@pytest.mark.parametrize(
    "tag",
    [
        *(
            "v1.2.3-rc.1",
            "2.0b1",
            "php-8.3.1RC1",
            "5.3.0.M1",
            "1.0.0-SNAPSHOT",
            "v1.0.0-next.4",
            "n6.1-dev",
            "v3.13.0a4",
        ),
        *("nightly-2024-01-01", "weekly.2012-03-27", "v2.0.0-foo.1", "6.0.0-canary-abc.2", "1.2.3.dev4", "rc-8_22_0-2"),
    ],
)
def test_pre_releases_are_told_apart(tag: str) -> None:
    version = parse(tag)
    assert version
    assert version.is_prerelease


@pytest.mark.parametrize(
    "tag",
    [
        *("latest", "nightly", "stable", "deploy-3f2a", "3f2a8b1c", "python3", "build-1234", "pr-12.3", "v1.2.x", "v"),
        *("b1969", "b1970", "b2099", "sha1999", "py2024", "eclipse2019"),
        *("9" * 19, "1." * 200 + "1", "", "release", "\N{ARABIC-INDIC DIGIT ONE}.x"),
    ],
)
def test_other_names_are_no_versions(tag: str) -> None:
    assert parse(tag) is None


@pytest.mark.parametrize(
    "ascending",
    [
        ["1.0.0.dev1", "1.0.0-alpha.1", "1.0.0-alpha.2", "1.0.0-alpha.10", "1.0.0b1", "1.0.0-rc.1", "1.0.0", "1.0.1"],
        ["1.9", "1.10", "2.0-beta", "2.0", "10.0"],
        ["1.1.1", "1.1.1a", "1.1.1w", "1.1.2"],
        ["3.7-rc", "3.7", "3.7b", "3.7c", "3.8"],
        ["9_6", "9_6_P1", "9_6_P2", "9_7_P1"],
        ["5.0.0.M1", "5.0.0.M2", "5.0.0.RC1", "5.0.0.RELEASE", "5.0.1.RELEASE"],
        ["2023.12", "2024.01", "2024.01.1", "2024.2"],
        ["1.0", "1.0.post1", "1.0.post2"],
    ],
)
def test_versions_are_ordered_as_their_makers_mean_it(ascending: list[str]) -> None:
    read = [parse(text) for text in reversed(ascending)]
    ranked = sorted((version for version in read if version), key=lambda version: version.rank)
    assert [version.text for version in ranked] == ascending


def test_numbers_and_dates_are_not_compared() -> None:
    numbered, dated = parse("v3.1"), parse("v2015.01")
    assert numbered
    assert dated
    assert numbered.line != dated.line


@given(st.text(max_size=140) | st.from_regex(r"[a-z@/_.-]{0,20}v?[0-9._a-z+-]{0,100}", fullmatch=True))
def test_any_name_is_read_or_refused(tag: str) -> None:
    version = parse(tag, "name")
    assert version is None or tag.endswith(version.text)


@pytest.mark.parametrize("unit", ["1.", "a1", "-a.1", "rc-", "0_", "1a", "v1-", "beta.0"])
def test_reading_does_not_grow_exponentially_with_a_name(unit: str) -> None:
    tried = [(unit * 128)[:length] + "!" for length in range(1, 129)]
    assert len([parse(name) for name in tried]) == len(tried)  # or the test would run into its time limit
