import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchlist.releases.version import Scheme, parse

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
    "langchain-core==0.3.1": ("langchain-core", "0.3.1"),
    "pkg=1.2.3": ("pkg", "1.2.3"),
    "pkg/v1.2.3": ("pkg", "1.2.3"),
    "pkg@v1.2.3": ("pkg", "1.2.3"),
    "@scope/pre@3.0.0": ("scope-pre", "3.0.0"),
    "@scope/test@3.0.0": ("scope-test", "3.0.0"),
    "4.x/4.1.2": ("4-x", "4.1.2"),
    "node18@1.0": ("node18", "1.0"),
    "storage-blob_12.25.0": ("storage-blob", "12.25.0"),
    "lib2_1.0": ("lib2", "1.0"),
    "s3-1.0": ("s3", "1.0"),
    "2to3-1.0": ("2to3", "1.0"),
    "core-8-6-13": ("core", "8-6-13"),
    "release-74-1": ("", "74-1"),
    "v1-2-3": ("", "1-2-3"),
    "R-4-3-2": ("", "4-3-2"),
    "r160": ("", "160"),
    "r1234": ("", "1234"),
    "release.r60.3": ("", "60.3"),
    "rev1.2": ("", "1.2"),
    "release12": ("", "12"),
    "boost-1.91.0-1": ("boost", "1.91.0-1"),
    "jetty-9.4.0.v20161208": ("jetty", "9.4.0.v20161208"),
    "v5.3.0.201903130848-r": ("", "5.3.0.201903130848-r"),
    "android-14.0.0_r21": ("android", "14.0.0_r21"),
    "perl-5.005_03": ("perl", "5.005_03"),
    "NSS_3_90_RTM": ("nss", "3_90_RTM"),
    "FIREFOX_120_0_1_RELEASE": ("firefox", "120_0_1_RELEASE"),
    "NTP_4_2_8P15": ("ntp", "4_2_8P15"),
    "SUDO_1_9_5p2": ("sudo", "1_9_5p2"),
    "OpenSSL_0_9_8zh": ("openssl", "0_9_8zh"),
    "REL6_1_1": ("", "6_1_1"),
    "v1_9_3_551": ("", "1_9_3_551"),
    "4.3.0.SP1": ("", "4.3.0.SP1"),
    "1.2.3-build5": ("", "1.2.3-build5"),
    "v1.28.2+k3s1": ("", "1.28.2+k3s1"),
    "7.1.2-29": ("", "7.1.2-29"),
    "llvmorg-17.0.6": ("llvmorg", "17.0.6"),
    "OTP-26.2.1": ("otp", "26.2.1"),
    "20240115": ("", "20240115"),
    "202402": ("", "202402"),
    "20240115-1": ("", "20240115-1"),
    "20240115123000": ("", "20240115123000"),
    "2024-01-15.1": ("", "2024-01-15.1"),
    "2024.02.30": ("", "2024.02.30"),
    "edk2-stable202402": ("edk2", "202402"),
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
        *("go1.22rc1", "REL_16_BETA1", "core-8-7-b1", "OTP-27.0-rc1", "v5.3.0.201903061415-rc1", "2.10.0.pr1"),
        *("v2.0.0_PR", "7.0.0.Final-prerelease2", "FIREFOX_121_0b9_BUILD1", "7.1.0.CR1b", "v1.2.3-14-gabcdef0"),
        *("@scope/pkg@3.0.0-next.9", "dev1.0", "next-20240115", "nightly20240115", "2024-01-15-rc1"),
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
        *("4.1.0jbossorg-1", "1.0.jbossorg-101909", "v7.0d01", "jetty-12.0.0.v2", "8b1cde0", "jdk8u372-b07", "rc1"),
        *("v99999999999999999999999.0", "12345678", "1705312200", "20240230"),
        *("2024-02-30", "2024-13", "2024-00-10", "v2023-02-29-rc1", "2024/01/15", "v1.2.3-x86_64", "linux-x86_64"),
        *("v\N{ARABIC-INDIC DIGIT ONE}.2.3", "1.\N{ARABIC-INDIC DIGIT TWO}.3", "v\N{FULLWIDTH DIGIT ONE}"),
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
        ["21+9", "21+35"],
        ["0.9.8", "0.9.8z", "0.9.8zh", "1.0.0-beta1", "1.0.0"],
        ["9.4.0.M1", "9.4.0.RC3", "9.4.0.v20161207", "9.4.0.v20161208", "9.4.1.v20170120", "10.0.0"],
        ["8-6-9", "8-6-13", "8-7-b1", "8-7"],
        ["2023.12.31", "20240114", "2024-01-15", "20240115-1", "2024.02"],
        ["7.1.2-9", "7.1.2-29", "7.1.3-1"],
    ],
)
def test_versions_are_ordered_as_their_makers_mean_it(ascending: list[str]) -> None:
    read = [parse(text) for text in reversed(ascending)]
    ranked = sorted((version for version in read if version), key=lambda version: version.rank)
    assert [version.text for version in ranked] == ascending


def test_numbers_dates_and_revisions_are_not_compared() -> None:
    versions = [parse("v3.1"), parse("v2015.01"), parse("release.r60.3"), parse("r2024")]
    assert [version.line for version in versions if version] == [
        ("", Scheme.NUMBERS),
        ("", Scheme.DATES),
        ("", Scheme.REVISIONS),
        ("", Scheme.REVISIONS),
    ]


def test_a_number_that_stands_at_the_repository_s_own_name_is_a_version_of_it() -> None:
    version = parse("go1", "go")
    assert version
    assert (version.product, version.text) == ("", "1")
    assert parse("edk2-stable202402", "edk2") == parse("stable202402")


@given(st.text(max_size=140) | st.from_regex(r"[a-z@/_.-]{0,20}v?[0-9._a-z+-]{0,100}", fullmatch=True))
def test_any_name_is_read_or_refused(tag: str) -> None:
    version = parse(tag, "name")
    assert version is None or tag.endswith(version.text)


@pytest.mark.parametrize("unit", ["1.", "a1", "-a.1", "rc-", "0_", "1a", "v1-", "beta.0"])
def test_reading_does_not_grow_exponentially_with_a_name(unit: str) -> None:
    tried = [(unit * 128)[:length] + "!" for length in range(1, 129)]
    assert len([parse(name) for name in tried]) == len(tried)  # or the test would run into its time limit
