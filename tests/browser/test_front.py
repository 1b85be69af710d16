"""What the page's origin serves, and what it tells browsers about it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import requests

from bot.demo import page

ASSETS = Path(page.__file__).parent / "assets"


def test_the_page_may_load_and_call_its_own_origin_only(town_url: str) -> None:
    answer = requests.get(town_url, timeout=60)

    policy = dict(
        part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; ")
    )
    assert policy.pop("default-src") == "'none'"
    assert set(policy.values()) == {"'self'", "'none'"}
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"


def test_scripts_are_asked_for_again_and_event_streams_keep_their_own_rule(town_url: str) -> None:
    script = requests.get(f"{town_url}/assets/js/app.js", timeout=60)

    assert script.headers["content-type"].startswith("text/javascript")
    assert script.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "path",
    ["/__init__.py", "/assets/__init__.py", "/assets/../__init__.py", "/assets/%2e%2e/__init__.py"],
)
def test_the_packages_own_source_is_not_served(town_url: str, path: str) -> None:
    asked = requests.Request("GET", town_url).prepare()
    asked.url = town_url + path  # Past the tidying that would take the dots out.
    with requests.Session() as session:
        assert session.send(asked, timeout=60).status_code == 404


@pytest.mark.parametrize("side", ["slack", "cdn"])
def test_both_controls_are_on_the_pages_origin(town_url: str, side: str) -> None:
    assert "now" in requests.get(f"{town_url}/{side}/state?as=U0ANA", timeout=60).json()


def test_every_script_is_announced_in_the_head() -> None:
    """Else the browser finds them one import after the other, and the first picture waits."""
    announced = set(
        re.findall(r'(?:href|src)="assets/(\S+?js)"', (ASSETS.parent / "index.html").read_text())
    )

    there = {str(file.relative_to(ASSETS)) for file in ASSETS.rglob("*js")} - {"js"}
    assert announced == there


@pytest.mark.parametrize("file", sorted(ASSETS.glob("js/*.js")), ids=lambda file: file.name)
def test_no_script_writes_html_from_text(file: Path) -> None:
    source = file.read_text()

    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", source
    )
    assert len(source.splitlines()) <= 300
