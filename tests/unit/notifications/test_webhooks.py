import base64
import hashlib
import hmac
import ipaddress
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.telling.webhook_client import DeliveryError, Reach
from watchlist import limits
from watchlist.notifications import webhooks
from watchlist.notifications.settings import NotificationSettings, StoredNotifications
from watchlist.notifications.webhook_delivery import pause_after
from watchlist.notifications.webhooks import InvalidWebhookUrlError

PRIVATE = (
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "::/127",
    "fc00::/7",
    "fe80::/10",
    "fec0::/10",
    "ff00::/8",
    "2002::/16",
    "2001::/32",
    "64:ff9b::/96",
)


def addresses(networks: tuple[str, ...]) -> st.SearchStrategy[str]:
    def within(network: str) -> st.SearchStrategy[str]:
        block = ipaddress.ip_network(network)
        last = block.num_addresses - 1
        return st.integers(0, last).map(lambda number: str(block[number]))

    return st.sampled_from(networks).flatmap(within)


@given(addresses(PRIVATE))
def test_no_address_of_a_network_of_its_own_is_public(address: str) -> None:
    assert not webhooks.is_public(address)


@given(addresses(tuple(network for network in PRIVATE if ":" not in network)))
def test_no_such_address_is_public_when_it_is_written_as_ipv6(address: str) -> None:
    assert not webhooks.is_public(f"::ffff:{address}")


@given(st.ip_addresses(v=4).filter(lambda ip: ip.is_global and not ip.is_multicast))
def test_the_addresses_of_the_internet_are_public(address: ipaddress.IPv4Address) -> None:
    assert webhooks.is_public(str(address))


@pytest.mark.parametrize("address", ["fe80::1%eth0", "169.254.169.254", "fd00:ec2::254", "::ffff:169.254.169.254"])
def test_no_metadata_address_is_public(address: str) -> None:
    assert not webhooks.is_public(address)


def test_public_ipv6_addresses_are_public() -> None:
    assert webhooks.is_public("2606:4700::1111")


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.org/",
        "https://hooks.example.org:8443/",
        "https://user@hooks.example.org/",
        "https://hooks.example.org/#here",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://localhost/",
        "https://hooks.example.org.\\@127.0.0.1/",
        "https://hooks.example.org/a b",
        "https://hooks.example.org/\r\nHost: x",
        "https://hööks.example.org/",
        "https://hooks.example.org:x/",
        "https:///",
        "ftp://hooks.example.org/",
        "",
        "https://hooks.example.org/" + "a" * limits.WEBHOOK_URL_CHARACTERS,
    ],
)
def test_an_address_that_cannot_be_a_webhook_is_refused(url: str) -> None:
    with pytest.raises(InvalidWebhookUrlError):
        webhooks.parse(url)
    with pytest.raises(ValueError, match="webhook_url"):
        NotificationSettings(webhook_url=url)


def test_an_address_is_taken_apart() -> None:
    url = webhooks.parse("https://Hooks.Example.org/a/b?c=d&e")

    assert (url.host, url.target) == ("hooks.example.org", "/a/b?c=d&e")
    assert webhooks.parse("https://hooks.example.org").target == "/"


@given(st.text(max_size=200))
def test_whatever_is_taken_is_a_plain_https_address(text: str) -> None:
    try:
        url = webhooks.parse(text)
    except InvalidWebhookUrlError:
        return
    assert text.lower().startswith("https://" + url.host)
    assert url.target.startswith(("/", "?"))
    assert url.target.isprintable()


def test_a_signature_is_the_one_of_standard_webhooks() -> None:
    headers = webhooks.signed_headers(
        "whsec_plJ3nmyCDGBKInavdOK15jsl",
        "msg_loFOjxBNrRLzqYUf",
        1731705121,
        b'{"event_type":"ping","data":{"success":true}}',
    )

    assert headers == {
        "webhook-id": "msg_loFOjxBNrRLzqYUf",
        "webhook-timestamp": "1731705121",
        "webhook-signature": "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=",
    }


@given(st.binary(), st.integers(0, 2**33))
def test_a_signature_covers_id_time_and_body(body: bytes, timestamp: int) -> None:
    secret = webhooks.new_secret()
    key = base64.b64decode(secret.removeprefix("whsec_"))

    signature = webhooks.signed_headers(secret, "id", timestamp, body)["webhook-signature"]

    expected = hmac.new(key, b"id." + str(timestamp).encode() + b"." + body, hashlib.sha256).digest()
    assert signature == "v1," + base64.b64encode(expected).decode()


def test_every_secret_is_another_one_and_none_is_shown_in_logs() -> None:
    secret = webhooks.new_secret()

    assert secret != webhooks.new_secret()
    assert secret not in repr(StoredNotifications(webhook_secret=secret))


@pytest.mark.parametrize("found", [["93.184.215.14", "127.0.0.1"], ["10.0.0.1"], []])
def test_a_host_with_an_address_that_is_not_public_is_refused(found: list[str]) -> None:
    with pytest.raises(DeliveryError, match="public"):
        Reach(lambda _host: found).address_of("hooks.example.org")


def test_a_host_that_has_no_address_is_refused() -> None:
    def resolve(_host: str) -> list[str]:
        raise OSError("no such host")

    with pytest.raises(DeliveryError, match="resolved"):
        Reach(resolve).address_of("hooks.example.org")


def test_the_pauses_between_tries_grow_and_stay_within_what_sqs_keeps_a_message_hidden() -> None:
    pauses = [pause_after(count).total_seconds() for count in range(1, limits.WEBHOOK_ATTEMPTS + 1)]

    assert pauses[:3] == [30, 60, 120]
    assert pauses[-1] < 12 * 3600
    assert pause_after(limits.WEBHOOK_ATTEMPTS, asked=timedelta(days=1)) < timedelta(hours=12)


@pytest.mark.parametrize(
    ("asked", "pause"),
    [
        (None, timedelta(seconds=30)),
        (timedelta(0), timedelta(seconds=30)),
        (timedelta(seconds=31), timedelta(seconds=31)),
        (limits.WEBHOOK_LONGEST_PAUSE + timedelta(seconds=1), limits.WEBHOOK_LONGEST_PAUSE),
    ],
)
def test_a_pause_is_as_long_as_the_webhook_asks_within_bounds(asked: timedelta | None, pause: timedelta) -> None:
    assert pause_after(1, timedelta(seconds=30), asked) == pause


def test_what_is_asked_never_shortens_a_later_pause() -> None:
    assert pause_after(4, timedelta(seconds=30), timedelta(seconds=1)) == timedelta(seconds=240)


def test_settings_without_the_webhook_keep_the_rest() -> None:
    chosen = StoredNotifications(email=True, webhook_url="https://hooks.example.org/", webhook_secret="whsec_eA==")

    assert chosen.without_webhook() == StoredNotifications(email=True)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://bücher.example/", "xn--"),
        ("https://127.0.0.1/", "IP address"),
        ("https://[::1]/", "IP address"),
        ("https://2130706433/", "IP address"),
        ("https://localhost/", "public host"),
        ("https://-a.example.org/", "public host"),
    ],
)
def test_an_address_is_refused_for_the_true_reason(url: str, reason: str) -> None:
    with pytest.raises(InvalidWebhookUrlError, match=reason):
        webhooks.parse(url)


@pytest.mark.parametrize("host", ["xn--bcher-kva.example", "my_hooks.example.org", "_hooks.example.org"])
def test_internationalised_and_underscored_hosts_are_taken(host: str) -> None:
    assert webhooks.parse(f"https://{host}/").host == host
