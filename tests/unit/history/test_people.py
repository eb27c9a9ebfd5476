import unicodedata
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchlist.history.commits import Signature
from watchlist.history.people import AuthorSearch, People, Renames, is_bot, names_somebody

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


def signature(name: str = "", email: str = "") -> Signature:
    return Signature(name, email, NOON)


def how_many(*authors: Signature, mailmap: bytes = b"") -> int:
    people = People(authors, mailmap)
    return len({people.of(author).key for author in authors})


@pytest.mark.parametrize(
    ("name", "email"),
    [
        ("dependabot[bot]", "49699333+dependabot[bot]@users.noreply.github.com"),
        ("Some App", "12345+some-app[bot]@users.noreply.github.com"),
        ("renovate", "x@example.org"),
        ("renovate[bot] (self-hosted)", "r@example.org"),
        ("Renovate Bot", "bot@example.org"),
        ("Release Bot", "releases@example.org"),
        ("Yoshi Automation Bot", "yoshi@example.org"),
        ("pytest bot", "pytest@example.org"),
        ("Puppet CI", "puppet-ci@example.org"),
        ("swift-ci", "swift-ci@example.org"),
        ("CI", "ci@example.org"),
        ("The Miri Cronjob Bot", "miri@example.org"),
        ("PyTorch MergeBot", "pytorch@example.org"),
        ("DotNet Bot", "dotnet-bot@example.org"),
        ("gopherbot", "gopher@example.org"),
        ("syzbot+5a1c", "syzbot+5a1c@example.org"),
        ("generatedunixname89002005232357", "x@example.org"),
        ("Somebody", "msftgits@microsoft.com"),
        ("K8s-CI-Robot", "x@example.org"),
        ("Kubernetes Prow Robot", "prow@example.org"),
        ("acme-bot", "acme@example.org"),
        ("Acme", "acme-bot@users.noreply.github.com"),
        ("Acme", "acme-bot@example.org"),
        ("Botanist", "bot@example.org"),
        ("FooBot", "foo@example.org"),
        ("buildbot", "buildbot@example.org"),
        ("bors", "bors@example.org"),
        ("ImgBotApp", "imgbothelp@example.org"),
        ("fossabot", "badges@example.org"),
        ("Depfu", "depfu@example.org"),
        ("Copybara-Service", "copybara@example.org"),
        ("syzbot", "syzbot@example.org"),
        ("aws-sdk-dotnet-automation", "sdk@example.com"),
        ("AWS SDK for Go automation user", "sdk@example.com"),
        ("V8 Autoroll", "v8@example.org"),
        ("skia-autoroller", "skia@example.org"),
        ("Deployer", "deployer@project.iam.gserviceaccount.com"),
        ("Swift CI", "swift-ci@example.org"),
        ("GitHub", "noreply@github.com"),
        ("GitHub Actions", ""),
        ("github-actions", "github-actions@github.com"),
        ("Copilot", "198982749+Copilot@users.noreply.github.com"),
        ("Some Name", "198982749+Copilot@users.noreply.github.com"),
        ("Claude", "noreply@anthropic.com"),
        ("Weblate (bot)", "hosted@weblate.org"),
        ("Hosted Weblate", "hosted@weblate.org"),
        ("Weblate", "weblate@example.org"),
        ("Linux Kernel Bot", "kernel@example.org"),
        ("Eclipse Releng Bot", "releng@example.org"),
        ("OpenTelemetry Bot", "info@example.org"),
        ("ElementRobot", "element@example.org"),
        ("Spring Builds", "spring@example.org"),
        ("Spring Buildmaster", "spring@example.org"),
        ("Project Collection Build Service (acme)", "build@example.org"),
        ("Home Automations", "home@example.org"),
        ("Automatic Release", "release@example.org"),
        ("auto-merge", "merge@example.org"),
        ("AWS SDK for Java", "aws-java-sdk-automation@example.com"),
        ("Localisation", "release+l10n-automation@example.com"),
        ("Someone", "project.bot@example.org"),
        ("deploy", "project_42_bot_0f5c@noreply.gitlab.com"),
    ],
)
def test_a_program_is_recognised(name: str, email: str) -> None:
    assert is_bot(name, email)


@pytest.mark.parametrize(
    ("name", "email"),
    [
        ("Anne Talbot", "talbot@example.org"),
        ("Wei CI", "wei.ci@example.org"),
        ("Ci", "ci@example.org"),
        ("Ci Xin", "ci@example.org"),
        ("Anna Lucci", "anna-lucci@example.org"),
        ("Бот Иван", "ivan@example.org"),
        ("김봇", "kim@example.org"),
        ("talbot+work", "talbot+work@example.org"),
        ("Ada Automationson", "ada@example.org"),
        ("talbot", "talbot@example.org"),
        ("Abbot", "x@robot.example.org"),
        ("Elie Cibot", "elie@example.org"),
        ("Grace Abbott", "abbott@example.org"),
        ("Abbott", "abbott@users.noreply.github.com"),
        ("Robot Abbott", "robot.abbott@example.org"),
        ("Jan van der Bot", "jan.vanderbot@example.org"),
        ("Otto Matic", "auto.matic@example.org"),
        ("Anne Builder", "builder@example.org"),
        ("Kernel Sanders", "kernel@example.org"),
        ("Ada Jones (Build Service)", "ada@example.org"),
        ("Jan Bot", "jan@example.org"),
        ("Jan Bot", "jan.bot@example.org"),
        ("Jan Bot", "j.bot@example.org"),
        ("JAN BOT", "janbot@users.noreply.github.com"),
        ("Bot, Jan", "jan@example.org"),
        ("Anne Smit-Bot", "anne@example.org"),
        ("Anne Smit-Bot", "anne.smit-bot@example.org"),
        ("Anne Bot-Smit", "anne@example.org"),
        ("Botond", "botond@example.org"),
        ("Elisabot Nguyen", "elisabot@example.org"),
        ("bottom", "botany@x"),
        ("Travis", "travis@example.org"),
        ("Claude Monet", "claude@example.org"),
        ("Michal", "michal@weblate.org"),
        ("", ""),
    ],
)
def test_a_person_is_no_program(name: str, email: str) -> None:
    assert not is_bot(name, email)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (signature("Ada", "ADA@example.org "), signature("Countess", "ada@example.org")),
        (signature("Ada", "12+ada@users.noreply.github.com"), signature("A", "Ada@users.noreply.github.com")),
        (signature("Ada", "12-ada@users.noreply.gitlab.com"), signature("A", "ada@users.noreply.gitlab.com")),
        (signature("Ada", "12+ada@users.noreply.github.com"), signature("Ada", "12+countess@users.noreply.github.com")),
        (signature("Ada", "12+ada@users.noreply.ghe.example"), signature("A", "Ada@users.noreply.ghe.example")),
        (
            signature("Ada", "12-ada@users.noreply.gitlab.example.org"),
            signature("A", "ada@users.noreply.gitlab.example.org"),
        ),
        (signature("Ada", "ada@noreply.codeberg.org"), signature("A", "ADA@noreply.codeberg.org")),
        (signature("Ada "), signature("ada")),
        (signature("Jos\u00e9 Ruiz"), signature("Jose\u0301  Ruiz")),
        (signature("J", "jos\u00e9@example.org"), signature("R", "jose\u0301@example.org")),
        (signature("Ada", "ada@laptop.local"), signature("Ada", "none@none")),
    ],
)
def test_one_person_may_write_name_and_address_in_several_ways(one: Signature, other: Signature) -> None:
    assert how_many(one, other) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (signature("Ada", "ada@example.org"), signature("Ada", "lovelace@example.org")),
        (signature("Ada"), signature("Ada", "ada@example.org")),
        (signature("Ada", "1+ada@users.noreply.github.com"), signature("Ada", "2+ada@users.noreply.github.com")),
        (signature("Ada", "1+ada@users.noreply.github.com"), signature("Ada", "1-ada@users.noreply.gitlab.com")),
        (signature("Ada", "12-ada@users.noreply.github.com"), signature("Ada", "ada@users.noreply.github.com")),
        (signature("Ada", "12+ada@users.noreply.gitlab.com"), signature("Ada", "12-ada@users.noreply.gitlab.com")),
        (signature("Ada", "12-ada@noreply.codeberg.org"), signature("Ada", "ada@noreply.codeberg.org")),
        (signature("Ada", "1+ada@users.noreply.github.com"), signature("Ada", "1+ada@users.noreply.ghe.example")),
        (signature("ada@example.org"), signature("Ada", "ada@example.org")),
    ],
)
def test_different_people_are_told_apart(one: Signature, other: Signature) -> None:
    assert how_many(one, other) == 2


@pytest.mark.parametrize(
    "address",
    [
        "",
        "none@none",
        "root@localhost",
        "root@build.example.org",
        "you@example.com",
        "noreply@example.org",
        "user@DESKTOP-1234",
        "me@MacBook.local",
        "me@laptop.lan",
        "me@192.168.1.2",
        "(no author)@13f79535-47bb-0310-9956-ffa450edef68",
    ],
)
def test_an_address_that_names_nobody_makes_no_two_names_one_person(address: str) -> None:
    assert how_many(signature("Ada", address), signature("Grace", address)) == 2
    assert how_many(signature("Ada", address), signature("ADA", address)) == 1


def test_a_login_taken_over_by_another_account_is_another_person() -> None:
    before, after, without = (signature("A", f"{x}ada@users.noreply.github.com") for x in ("1+", "2+", ""))
    assert how_many(before, after) == 2
    assert how_many(before, without) == 1


def test_the_mailmap_comes_before_everything_else() -> None:
    mailmap = b"Ada Lovelace <ada@example.org> <1+ada@users.noreply.github.com>\nCI[bot] <ci@example.org>\n"
    authors = [signature("x", "1+ada@users.noreply.github.com"), signature("Ada", "ADA@example.org")]
    people = People(authors, mailmap)

    assert {people.of(author).key for author in authors} == {people.of(authors[0]).key}
    assert people.of(authors[0]).name == "Ada Lovelace"
    assert people.of(signature("Carl", "ci@example.org")).is_bot


RENAMING = b"Ada Lovelace <ada@example.org> <a@laptop.local>\n"


def test_what_the_mailmap_calls_otherwise_is_told_and_can_stand_for_it_later() -> None:
    as_committed, other = signature("a", "a@laptop.local"), signature("Grace", "grace@example.org")

    renames = People(mailmap=RENAMING).renames([other, as_committed])

    assert renames == [("a", "a@laptop.local", "Ada Lovelace", "ada@example.org")]
    later = People(mailmap=Renames.of(renames))
    assert later.of(as_committed) == People(mailmap=RENAMING).of(as_committed)
    assert (later.of(other).name, later.of(other).email) == ("Grace", "grace@example.org")


def test_of_a_mailmap_that_could_not_be_read_no_renames_are_known() -> None:
    assert People(mailmap=None).renames([signature("a", "a@laptop.local")]) is None
    assert People(mailmap=b"").renames([signature("a", "a@laptop.local")]) == []


def test_the_identities_of_a_person_are_told_those_of_most_first() -> None:
    ada = [signature(name, "ada@example.org") for name in ("Ada", "A. Lovelace")]
    grace = [signature(name, "grace@example.org") for name in ("Grace", "Amazing Grace", "Hopper")]
    alan = [signature("Alan", "alan@example.org")]
    people = People([*alan, *grace, *ada])

    identities = people.identities([*alan, *ada, *grace])

    assert [[name for name, _ in each] for each in identities] == [
        ["amazing grace", "grace", "hopper"],
        ["a. lovelace", "ada"],
    ]


def test_people_of_as_many_identities_are_told_in_one_order_always() -> None:
    def two_of(name: str) -> list[Signature]:
        return [signature(name, f"{name}@example.org"), signature(f"{name} II", f"{name}@example.org")]

    ada, bob = two_of("ada"), two_of("bob")

    for authors in ([*ada, *bob], [*bob, *ada]):
        assert [each[0][0] for each in People(authors).identities(authors)] == ["ada", "bob"]


def test_an_author_is_found_by_any_name_or_address_of_theirs() -> None:
    ada = [
        signature("ada", "1+ada@users.noreply.github.com"),
        signature("Ada L.", "Ada@users.noreply.github.com"),
        signature("Ad\u00e0", "old@example.org"),
    ]
    namesake = signature("ada", "another@example.org")
    mailmap = b"Ada Lovelace <1+ada@users.noreply.github.com> <old@example.org>\n"
    identities = People([*ada, namesake], mailmap).identities([*ada, namesake])
    for wanted in ("ADA LOVELACE", "old@Example.org", "ada l.", "Ada\u0300"):
        search = AuthorSearch(wanted, identities)
        assert [search.finds(author) for author in (*ada, namesake)] == [True, True, True, False]
    assert AuthorSearch("another@example.org", identities).finds(namesake)
    assert not AuthorSearch("ada@example.org", identities).finds(ada[0])


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_identity_is_one_person_in_every_form(name: str, email: str) -> None:
    forms = [signature(form(name), form(email)) for form in (str, _decomposed, _composed)]
    assert how_many(*forms) == 1
    assert len({is_bot(form.name, form.email) for form in forms}) == 1


def _decomposed(text: str) -> str:
    return unicodedata.normalize("NFD", text)


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def test_what_precedes_the_last_at_sign_is_the_local_part() -> None:
    assert names_somebody("root@a@example.org")
    assert not names_somebody("root@example.org")


@pytest.mark.parametrize(
    ("name", "email"),
    [
        ("our own pytest bot", "ann@example.org"),
        ("Hosted Weblate", "ann@example.org"),
        ("Ann", "1+group/some-bot@users.noreply.github.com"),
        ("Ann", "ann+some-bot@example.org"),
    ],
)
def test_a_program_is_told_by_the_last_part_of_its_name_or_login(name: str, email: str) -> None:
    assert is_bot(name, email)


@pytest.mark.parametrize(
    ("name", "email"),
    [("bot lover", "ann@example.org"), ("Ann Lee Bot", "ann@example.org"), ("Ann", "a-bot@relay@example.org")],
)
def test_a_person_is_not_told_by_the_first_part(name: str, email: str) -> None:
    assert not is_bot(name, email)
