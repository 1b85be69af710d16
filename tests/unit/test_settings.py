"""The settings: what is missing or wrong is told at once, by name, and never by value."""

from __future__ import annotations

import os
import traceback
from pathlib import Path

import pytest

from bot.config.settings import (
    NOWHERE,
    DatabaseSettings,
    Mode,
    Settings,
    SettingsInvalid,
    read_settings,
    settings_from,
)
from bot.core.decisions.rulings import Limits
from tests.support.certificates import write_certificate

SECRET = "sesame"  # stands in everything that must not be told
SOCKET = {
    "SLACK_BOT_TOKEN": f"xoxb-{SECRET}",
    "SLACK_APP_TOKEN": f"xapp-{SECRET}",
    "PURGEBOT_POLICY": "policy.yaml",
}
KEYS = {
    "ALIBABA_CLOUD_ACCESS_KEY_ID": "LTAI-made-up",
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET": SECRET,
    "ALIBABA_CLOUD_SECURITY_TOKEN": SECRET,
}
FILES = ("PURGEBOT_CA_BUNDLE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
NAMES = {str(field.validation_alias) for field in Settings.model_fields.values()}


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Leave no variable and no .env of whoever runs the tests."""
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def read(**variables: str) -> Settings:
    return read_settings(Settings, **{**SOCKET, **variables})


def mistakes(**variables: str | None) -> str:
    """Give what is told about these variables, after a look that it tells no value."""
    given = {name: value for name, value in variables.items() if value is not None}
    with pytest.raises(SettingsInvalid) as caught:
        read_settings(Settings, **given)
    told = "".join(traceback.format_exception(caught.value))
    assert SECRET not in told
    return caught.value.info.message


# Every variable


def test_the_least_is_two_tokens_and_a_policy() -> None:
    settings = read()
    assert settings.mode is Mode.SOCKET
    assert settings.policy == Path("policy.yaml")
    assert settings.slack_api_url == "https://slack.com/api/"
    assert settings.cdn_endpoint == "https://cdn.aliyuncs.com"
    assert settings.database_url.get_secret_value().startswith("sqlite:////")
    assert settings.database_url.get_secret_value().endswith("purgebot.sqlite3")
    assert settings.bind == ("127.0.0.1", 3000)
    assert (settings.operators_channel, settings.canary_minutes) == (None, 10)
    assert settings.low_quota_share == 0.1
    assert settings.shared_channels == frozenset()
    assert not settings.approval_keys
    assert settings.limits == Limits(30, 10, 10, 60)
    assert settings.retention_days == 365
    assert (settings.access_key_id, settings.access_key_secret) == (None, None)


def test_every_variable_is_read(tmp_path: Path) -> None:
    given = {
        **SOCKET,
        **KEYS,
        "SLACK_SIGNING_SECRET": "s",
        "SLACK_API_URL": "http://127.0.0.1:1/api",
        "PURGEBOT_AUDIT_RETENTION_DAYS": "30",
        "PURGEBOT_SENDS_PER_SECOND": "2.5",
        "PURGEBOT_JOIN_WINDOW_SECONDS": "0",
        "PURGEBOT_CDN_ENDPOINT": "https://cdn.eu-central-1.example/",
        "PURGEBOT_EDGE_ADDRESS": "[::1]:8081",
        "PURGEBOT_DATABASE_URL": "sqlite:///here.db",
        "PURGEBOT_MODE": "http",
        "PURGEBOT_HTTP_BIND": "[::1]:8080",
        "PURGEBOT_STATUS_BIND": "10.0.0.1:9090",
        **dict.fromkeys(FILES, str(write_certificate(tmp_path / "ca.pem", "ca"))),
        "PURGEBOT_OPERATORS_CHANNEL": "C024BE91L",
        "PURGEBOT_SHARED_CHANNELS": "C0PARTNER, 'G0AGENCY'",
        "PURGEBOT_CANARY_MINUTES": "5",
        "PURGEBOT_ONE_CORE": "false",
        "PURGEBOT_LOW_QUOTA_SHARE": "0.25",
        "PURGEBOT_APPROVAL_KEY": f"{'n' * 32},{'o' * 32}",
        "PURGEBOT_REQUESTS_PER_MINUTE": "5",
        "PURGEBOT_WAITING_PER_PERSON": "6",
        "PURGEBOT_JOINED_PER_PERSON": "7",
        "PURGEBOT_REFUSALS_PER_HOUR": "8",
        "PURGEBOT_RETENTION_DAYS": "9",
    }
    assert set(given) == NAMES
    settings = read_settings(Settings, **given)
    said = settings.model_dump()
    assert None not in said.values()
    assert settings.mode is Mode.HTTP
    assert settings.slack_api_url == "http://127.0.0.1:1/api/"
    assert settings.cdn_endpoint == "https://cdn.eu-central-1.example"
    assert settings.bind == ("::1", 8080)
    assert settings.status_address == ("10.0.0.1", 9090)
    assert settings.edge_address == "[::1]:8081"
    assert settings.approval_keys.keys == (b"n" * 32, b"o" * 32)
    assert settings.limits == Limits(5, 6, 7, 8)
    assert settings.shared_channels == {"C0PARTNER", "G0AGENCY"}
    assert not settings.one_core
    for field in ("access_key_secret", "security_token"):
        assert said[field].get_secret_value() == SECRET


def test_the_environment_is_read_and_what_is_given_goes_before_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in SOCKET.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PURGEBOT_POLICY", "theirs.yaml")
    assert read_settings(Settings).policy == Path("theirs.yaml")
    assert read_settings(Settings, PURGEBOT_POLICY="given.yaml").policy == Path("given.yaml")


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PURGEBOT_CDN_ENDPOINT", "")
    monkeypatch.setenv("PURGEBOT_MODE", "")
    assert read().cdn_endpoint == "https://cdn.aliyuncs.com"
    monkeypatch.setenv("SLACK_BOT_TOKEN", "")
    assert "SLACK_BOT_TOKEN is missing" in mistakes(PURGEBOT_POLICY="p", SLACK_APP_TOKEN="xapp-1")


def test_a_dot_env_file_is_read_and_the_environment_goes_before_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lines = [f'{name}="{value}"' for name, value in SOCKET.items()]
    Path(".env").write_text("\n".join([*lines, "OTHER_PROGRAM=1"]))
    assert read_settings(Settings).policy == Path("policy.yaml")
    monkeypatch.setenv("PURGEBOT_POLICY", "theirs.yaml")
    assert read_settings(Settings).policy == Path("theirs.yaml")


def test_a_dot_env_file_that_is_no_text_is_told() -> None:
    Path(".env").write_bytes(b"\xff\xfe" + SECRET.encode())
    assert ".env cannot be read" in mistakes(**SOCKET)


def test_settings_of_given_variables_take_nothing_from_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The playground's bot must meet the playground, whoever's machine it runs on."""
    Path(".env").write_text(f"SLACK_SIGNING_SECRET={SECRET}\n")
    monkeypatch.setenv("ALIBABA_CLOUD_SECURITY_TOKEN", SECRET)
    monkeypatch.setenv("PURGEBOT_HTTP_BIND", "nonsense")
    settings = settings_from(SOCKET)
    assert (settings.slack_signing_secret, settings.security_token) == (None, None)
    assert settings.bind == ("127.0.0.1", 3000)
    with pytest.raises(SettingsInvalid, match="SLACK_BOT_TOKEN is missing"):
        settings_from({})


# Every mistake

WRONG: dict[str, tuple[str, ...]] = {
    "SLACK_BOT_TOKEN": (f"xapp-{SECRET}", SECRET, "xoxb-", "xoxb-…", f"xoxb-{SECRET} b"),
    "SLACK_APP_TOKEN": (f"xoxb-{SECRET}", SECRET, "xapp-", f"xapp-{SECRET}\n{SECRET}"),
    "SLACK_SIGNING_SECRET": (" ", "\t", "''", f"{SECRET} {SECRET}", f"{SECRET}é"),
    "SLACK_API_URL": (
        SECRET,
        f"http://{SECRET}.example/api/",
        f"ftp://{SECRET}",
        "https://",
        f"https://[{SECRET}",
        f"https://{SECRET}℀.example",
        f"https://slack.com:{SECRET}/",
        f"https://me:{SECRET}@slack.com/",
    ),
    "PURGEBOT_CDN_ENDPOINT": (
        SECRET,
        f"http://{SECRET}.example",
        f"http://localhost.{SECRET}.example",
        f"http://127.0.0.1@{SECRET}.example",
        "http://0.0.0.0",
        "http://10.0.0.1",
        "http://2130706433",
        "http://[::]",
        "//127.0.0.1",
        "https://cdn.example:99999",
    ),
    "PURGEBOT_DATABASE_URL": (
        SECRET,
        f"mysql://u:{SECRET}@h/d",
        f"postgresql://u:{SECRET}@h:port/d",
        f"postgresql+asyncpg://u:{SECRET}@h/d",
        f"postgrseql://u:{SECRET}@h/d",
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        f"sqlite://{SECRET}/p.db",
        "sqlite:///file::memory:?uri=true",
        "sqlite:///file:p.db?mode=memory&uri=true",
        "sqlite:///file:?uri=true",
        f"sqlite:///p.db?timeout={SECRET}",
        "sqlite:///p.db?timeout=1&timeout=2",
        f"sqlite:///file:p.db?uri={SECRET}",
        f"postgresql://u:{SECRET}@/d?host=a,b,c&port=1,2",
        f"postgresql://u:{SECRET}@/d?host=a,b&port=5432",
        f"postgresql://u@/d?host=a:{SECRET}&host=b:5432",
    ),
    "PURGEBOT_MODE": (SECRET, "HTTP", "both"),
    "PURGEBOT_AUDIT_RETENTION_DAYS": (SECRET, "0", "1.5", "36501"),
    "PURGEBOT_SENDS_PER_SECOND": (SECRET, "0", "-1", "10001", "nan"),
    "PURGEBOT_JOIN_WINDOW_SECONDS": (SECRET, "-1", "3601", "inf"),
    "PURGEBOT_ONE_CORE": (SECRET, "2", "one"),
    "PURGEBOT_APPROVAL_KEY": (
        SECRET,
        "k" * 31,
        "k" * 32 + ",",
        ",".join(["k" * 32] * 3),
        "ü" * 32,
    ),
    "PURGEBOT_REQUESTS_PER_MINUTE": (SECRET, "-1", "1.5"),
    "PURGEBOT_WAITING_PER_PERSON": (SECRET, "-1", "1.5"),
    "PURGEBOT_JOINED_PER_PERSON": (SECRET, "-1", "1.5"),
    "PURGEBOT_REFUSALS_PER_HOUR": (SECRET, "-1", "1.5"),
    "PURGEBOT_RETENTION_DAYS": (SECRET, "-1", "1.5", "36501"),
    "PURGEBOT_OPERATORS_CHANNEL": (SECRET, "#cdn-ops", "cdn-ops", "U0SAM", "C", "c0ops", "C0OPS x"),
    "PURGEBOT_SHARED_CHANNELS": (
        SECRET,
        "#partners",
        "C0WEB,#partners",
        "C0WEB,",
        "D0ANABOT",
        "[]",
    ),
    **dict.fromkeys(FILES, (SECRET, f"/nowhere/{SECRET}")),
    "PURGEBOT_CANARY_MINUTES": (SECRET, "-1", "1.5", "1441"),
    "PURGEBOT_LOW_QUOTA_SHARE": (SECRET, "-0.1", "1.1", "10 %", "nan", "inf"),
    "PURGEBOT_EDGE_ADDRESS": (
        SECRET,
        "127.0.0.1",
        "127.0.0.1:65536",
        f"{SECRET}.example:80",
        "10.0.0.1:80",
        "0.0.0.0:80",
        f"http://127.0.0.1:{SECRET}",
    ),
    "PURGEBOT_STATUS_BIND": (SECRET, ":9090", "9090"),
    "PURGEBOT_HTTP_BIND": (SECRET, ":3000", "127.0.0.1", "127.0.0.1:65536", "h:²", "h:-1", "h:"),
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in WRONG.items() for value in values]
)
def test_a_wrong_value_is_told_by_the_name_of_its_variable_alone(name: str, value: str) -> None:
    (line,) = mistakes(**{**SOCKET, name: value}).splitlines()[1:]
    assert line.split()[0] == name


@pytest.mark.parametrize("name", ["SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "PURGEBOT_POLICY"])
def test_a_missing_variable_is_told_by_its_name(name: str) -> None:
    assert f"{name} is missing" in mistakes(**{**SOCKET, name: None})


def test_all_mistakes_are_told_at_once() -> None:
    wrong = {name: values[0] for name, values in WRONG.items()}
    told = mistakes(**wrong, ALIBABA_CLOUD_ACCESS_KEY_ID="LTAI-made-up")
    at_fault = [line.split()[0] for line in told.splitlines()[1:]]
    assert sorted(at_fault) == sorted(
        [*WRONG, "PURGEBOT_POLICY", "ALIBABA_CLOUD_ACCESS_KEY_SECRET"]
    )


@pytest.mark.parametrize("name", ["ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET"])
def test_a_key_without_its_other_half_is_told(name: str) -> None:
    told = mistakes(**SOCKET, **{name: SECRET})
    assert "ALIBABA_CLOUD_ACCESS_KEY_SECRET and ALIBABA_CLOUD_ACCESS_KEY_ID go together" in told


def test_the_channel_of_the_operators_is_not_kept_from_their_alerts() -> None:
    told = mistakes(
        **SOCKET, PURGEBOT_OPERATORS_CHANNEL="C0OPS", PURGEBOT_SHARED_CHANNELS="C0WEB,C0OPS"
    )
    assert "PURGEBOT_SHARED_CHANNELS must not hold PURGEBOT_OPERATORS_CHANNEL" in told


# What is around a value


AROUND = (
    "{} ",
    "{}\n",
    "{}\r\n",
    "\ufeff{}",
    "\u00a0{}\u200b",
    '"{}"',
    "'{}'",
    "\u201c{}\u201d",
    ' "{}\n" ',
)


@pytest.mark.parametrize("around", AROUND, ids=ascii)
def test_white_space_quotes_and_byte_order_marks_are_no_part_of_a_value(
    around: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file ends with a newline, and `docker run --env-file` passes quotes on."""
    plain = {
        **SOCKET,
        **KEYS,
        "SLACK_SIGNING_SECRET": SECRET,
        "PURGEBOT_APPROVAL_KEY": f"{'n' * 32},{'o' * 32}",
        "PURGEBOT_DATABASE_URL": f"postgresql://u:{SECRET}@h/d",
        "PURGEBOT_CDN_ENDPOINT": "https://cdn.example",
        "PURGEBOT_HTTP_BIND": "127.0.0.1:8080",
        "PURGEBOT_MODE": "http",
        "PURGEBOT_CANARY_MINUTES": "5",
    }
    expected = read_settings(Settings, **plain).model_dump()
    for name, value in plain.items():
        monkeypatch.setenv(name, around.format(value))
    assert read_settings(Settings).model_dump() == expected
    given = {name: around.format(value) for name, value in plain.items()}
    assert settings_from(given).model_dump() == expected


@pytest.mark.parametrize("around", AROUND, ids=ascii)
def test_each_of_two_approval_keys_may_stand_in_its_own_quotes(around: str) -> None:
    keys = f"{around.format('n' * 32)},{around.format('o' * 32)}"
    assert read(PURGEBOT_APPROVAL_KEY=keys).approval_keys.keys == (b"n" * 32, b"o" * 32)


@pytest.mark.parametrize("secret", ["it's", '"open', "a'b'", "x,'y'"])
def test_a_quote_that_is_not_around_a_value_is_part_of_it(secret: str) -> None:
    found = read(SLACK_SIGNING_SECRET=secret).slack_signing_secret
    assert found is not None
    assert found.get_secret_value() == secret


def test_a_dot_env_file_may_begin_with_a_byte_order_mark() -> None:
    lines = "\n".join(f"{name}={value}" for name, value in SOCKET.items())
    Path(".env").write_text(lines, encoding="utf-8-sig")
    assert read_settings(Settings).policy == Path("policy.yaml")


# No home, no default file


@pytest.mark.parametrize("home", [None, NOWHERE], ids=["none", "one that no user has"])
def test_without_a_home_the_database_must_be_named(
    monkeypatch: pytest.MonkeyPatch, home: str | None
) -> None:
    monkeypatch.delenv("HOME")
    monkeypatch.setattr(os, "getuid", lambda: 54321)  # is not in the list of users
    if home is not None:
        monkeypatch.setenv("HOME", home)
    said = "PURGEBOT_DATABASE_URL is missing, and this user has no home directory"
    assert said in mistakes(**SOCKET)
    read(PURGEBOT_DATABASE_URL="sqlite:///here.db")
    monkeypatch.setenv("XDG_DATA_HOME", "/var/lib")
    found = read().database_url.get_secret_value()
    assert found == "sqlite:////var/lib/purgebot/purgebot.sqlite3"


# Names that are none


@pytest.mark.parametrize("place", ["environment", ".env", "given"])
@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("PURGEBOT_DATABSE_URL", "PURGEBOT_DATABASE_URL"),
        ("PURGEBOT_DATABASE", "PURGEBOT_DATABASE_URL"),
        ("PURGEBOT_APPROVALKEY", "PURGEBOT_APPROVAL_KEY"),
        ("PURGEBOT_SLACK_BOT_TOKEN", "SLACK_BOT_TOKEN"),
        ("PURGEBOT_SIGNING_SECRET", "SLACK_SIGNING_SECRET"),
        ("purgebot_mode", "PURGEBOT_MODE"),
        ("PURGEBOT_XYZZY", None),
    ],
)
def test_a_name_that_is_no_setting_is_a_mistake_with_a_guess(
    monkeypatch: pytest.MonkeyPatch, name: str, near: str | None, place: str
) -> None:
    if place == "environment":
        monkeypatch.setenv(name, SECRET)
    if place == ".env":
        Path(".env").write_text(f"{name}={SECRET}\n")
    (line,) = mistakes(**SOCKET, **({name: SECRET} if place == "given" else {})).splitlines()[1:]
    guess = f"; did you mean {near}?" if near else ""
    assert line.strip() == f"{name} is no setting{guess}"


def test_the_commands_on_the_database_look_at_names_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """`purgebot migrate` would otherwise make its tables in a file that nobody asked for."""
    monkeypatch.setenv("PURGEBOT_DATABSE_URL", "postgresql://u@h/d")
    with pytest.raises(SettingsInvalid, match="did you mean PURGEBOT_DATABASE_URL"):
        read_settings(DatabaseSettings)
    monkeypatch.delenv("PURGEBOT_DATABSE_URL")
    monkeypatch.setenv("PURGEBOT_CANARY_MINUTES", "5")
    read_settings(DatabaseSettings)


def test_an_empty_variable_of_another_name_counts_as_not_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PURGEBOT_DATABSE_URL", "")
    read()


SERVICE = {
    "PURGEBOT_SERVICE_HOST": "10.96.12.7",
    "PURGEBOT_SERVICE_PORT": "80",
    "PURGEBOT_SERVICE_PORT_HTTP": "80",
    "PURGEBOT_PORT": "tcp://10.96.12.7:80",
    "PURGEBOT_PORT_80_TCP": "tcp://10.96.12.7:80",
    "PURGEBOT_PORT_80_TCP_PROTO": "tcp",
    "PURGEBOT_PORT_80_TCP_PORT": "80",
    "PURGEBOT_PORT_80_TCP_ADDR": "10.96.12.7",
    "PURGEBOT_STATUS_SERVICE_HOST": "fd00:10:96::1a2b",
    "PURGEBOT_STATUS_SERVICE_PORT_METRICS_TLS": "9090",
    "PURGEBOT_STATUS_PORT": "tcp://[fd00:10:96::1a2b]:9090",
    "PURGEBOT_STATUS_PORT_9090_TCP_ADDR": "fd00:10:96::1a2b",
    "PURGEBOT_POSTGRES_PORT_53_UDP": "udp://10.96.12.8:53",
    "PURGEBOT_POSTGRES_PORT_53_UDP_PROTO": "udp",
}


def test_what_kubernetes_sets_for_a_service_is_nobodys_mistake(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in SERVICE.items():
        monkeypatch.setenv(name, value)
    read()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PURGEBOT_PORT", "3000"),
        ("PURGEBOT_HTTP_PORT", "3000"),
        ("PURGEBOT_SERVICE_HOST", "purgebot.example.com"),
        ("PURGEBOT_SERVICE_PORT", "http"),
        ("PURGEBOT_PORT_80_TCP_PROTO", "https"),
        ("PURGEBOT_SERVICE", "10.96.12.7"),
        ("purgebot_port", "tcp://10.96.12.7:80"),
    ],
)
def test_what_only_looks_like_it_is_told(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    assert f"{name} is no setting" in mistakes(**SOCKET)


OTHERS = {
    "SLACK_CLIENT_ID": "1",
    "SLACK_API_TOKEN": "xoxp-1",
    "SLACK_BOT_TOEKN": "xoxb-1",
    "ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true",
    "ALIBABA_CLOUD_ROLE_ARN": "acs:ram::1:role/x",
}


def test_variables_of_slacks_and_the_vendors_may_be_other_programs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in OTHERS.items():
        monkeypatch.setenv(name, value)
    read()


def test_a_slip_in_one_of_these_is_told_where_its_setting_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in OTHERS.items():
        monkeypatch.setenv(name, value)
    told = mistakes(PURGEBOT_POLICY="p", SLACK_APP_TOKEN="xapp-1").splitlines()[1:]
    assert [line.strip() for line in told] == [
        "SLACK_BOT_TOKEN is missing",
        "SLACK_BOT_TOEKN is no setting; did you mean SLACK_BOT_TOKEN?",
    ]


# Mode


@pytest.mark.parametrize(
    ("mode", "app_token", "signing_secret", "expected"),
    [
        (None, True, False, "socket"),
        (None, False, True, "http"),
        (None, True, True, "socket"),
        (None, False, False, "SLACK_APP_TOKEN is missing"),
        ("socket", True, False, "socket"),
        ("socket", True, True, "socket"),
        ("socket", False, True, "SLACK_APP_TOKEN is missing"),
        ("http", False, True, "http"),
        ("http", True, True, "http"),
        ("http", True, False, "SLACK_SIGNING_SECRET is missing"),
    ],
)
def test_the_mode_is_what_is_set_or_else_what_the_tokens_tell(
    mode: str | None, app_token: bool, signing_secret: bool, expected: str
) -> None:
    given: dict[str, str] = {
        "SLACK_BOT_TOKEN": "xoxb-1",
        "PURGEBOT_POLICY": "p",
        **({"PURGEBOT_MODE": mode} if mode else {}),
        **({"SLACK_APP_TOKEN": "xapp-1"} if app_token else {}),
        **({"SLACK_SIGNING_SECRET": "s"} if signing_secret else {}),
    }
    if expected in {"socket", "http"}:
        assert read_settings(Settings, **given).mode.value == expected
    else:
        assert expected in mistakes(**given)


# Addresses


@pytest.mark.parametrize("name", ["SLACK_API_URL", "PURGEBOT_CDN_ENDPOINT"])
@pytest.mark.parametrize(
    "address",
    [
        "https://x.example",
        "http://127.0.0.1:1",
        "http://127.9.9.9",
        "http://localhost:1",
        "http://[::1]:1",
    ],
)
def test_https_goes_anywhere_and_http_to_this_machine(name: str, address: str) -> None:
    settings = read(**{name: address})
    assert address in {settings.slack_api_url.rstrip("/"), settings.cdn_endpoint}


@pytest.mark.parametrize(
    ("url", "read_as"),
    [
        ("postgres://u:p@h/d", "postgresql+psycopg://u:p@h/d"),
        ("postgresql://u:p@h:5433/d", "postgresql+psycopg://u:p@h:5433/d"),
        (
            "postgresql+psycopg://u@h/d?sslmode=require",
            "postgresql+psycopg://u@h/d?sslmode=require",
        ),
        ("postgresql://u:a%40b%2Fc@h/d", "postgresql+psycopg://u:a%40b%2Fc@h/d"),
        ("sqlite:///here.db", "sqlite:///here.db"),
        ("sqlite:////var/lib/purgebot/p.db", "sqlite:////var/lib/purgebot/p.db"),
    ],
)
def test_a_database_url_may_be_written_as_providers_write_it(url: str, read_as: str) -> None:
    assert read(PURGEBOT_DATABASE_URL=url).database_url.get_secret_value() == read_as


# Secrets


def test_no_picture_of_the_settings_shows_a_secret() -> None:
    url = f"postgresql://u:{SECRET}@h/d"
    settings = read(**KEYS, SLACK_SIGNING_SECRET=SECRET, PURGEBOT_DATABASE_URL=url)
    for picture in (repr(settings), str(settings), settings.model_dump_json(), str(vars(settings))):
        assert SECRET not in picture
    assert "LTAI-made-up" in repr(settings)
