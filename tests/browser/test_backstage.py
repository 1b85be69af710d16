"""Behind the stage: tasks, quotas, faults, the clock, starting over, and the guide."""

from __future__ import annotations

import re
from typing import Any

from tests.browser.seeing import Open, Page, expect
from tests.browser.still_town import NOW, StillTown

REFRESH = "RefreshObjectCacheByCacheTag"


def press(page: Page, name: str, path: str) -> None:
    with page.expect_response(f"**/{path}"):
        page.get_by_role("button", name=name, exact=True).click()


def test_tasks_show_how_far_they_are(town: StillTown, open_page: Open) -> None:
    page = open_page()
    tasks = page.locator(".task")
    expect(tasks).to_have_text(
        [
            re.compile("shop.*force.*Refreshing"),
            re.compile("img.*Failed.*Origin Timeout"),
            re.compile("www.*Complete"),
        ]
    )
    expect(tasks.first.get_by_role("progressbar")).to_have_attribute("value", "40")

    town.cdn["tasks"][2] |= {"status": "Complete", "process": "100%"}
    town.change()
    expect(tasks.first.get_by_role("progressbar")).to_have_attribute("value", "100")


def test_a_running_task_can_be_ended_by_hand(town: StillTown, open_page: Open) -> None:
    page = open_page()
    page.get_by_role("button", name="Decide task 17772470186").click()
    with page.expect_response("**/cdn/tasks/*"):
        page.get_by_role("menuitem", name="Let it fail").click()

    assert town.posted("cdn/tasks/17772470186") == [
        {"status": "Failed", "description": "Origin Timeout"}
    ]


def test_quotas_show_what_is_used_and_when_they_are_new(open_page: Open) -> None:
    quota = open_page().locator(".quota").first

    expect(quota).to_contain_text("840 of 1,000")
    expect(quota).to_contain_text("New in 7 h 30 min")


FAULTS: dict[str, dict[str, Any]] = {
    "Daily quota used up": {"kind": "error", "code": "QuotaExceeded.Refresh", "action": REFRESH},
    "Throttled": {"kind": "error", "code": "Throttling.User", "action": "*"},
    "Key revoked": {"kind": "error", "code": "InvalidAccessKeyId.Inactive", "action": "*"},
    "Slow": {"kind": "slow_answer", "seconds": 4, "action": REFRESH},
    "Answer lost": {"kind": "lose_answer", "action": REFRESH},
    "Connection dropped": {"kind": "drop_before", "action": REFRESH},
}


def test_a_fault_is_ordered_for_the_next_request(town: StillTown, open_page: Open) -> None:
    page = open_page()
    for name in FAULTS:
        press(page, name, "cdn/faults")

    assert town.posted("cdn/faults") == [fault | {"times": 1} for fault in FAULTS.values()]


def test_a_fault_can_be_made_to_last_and_any_documented_code_be_had(
    town: StillTown, open_page: Open
) -> None:
    page = open_page()
    page.get_by_role("radio", name="Until cleared").check(force=True)
    press(page, "Queue full", "cdn/faults")
    with page.expect_response("**/cdn/faults"):
        page.get_by_label("Another documented error").select_option("PreloadQueueFull")

    asked = [(body["code"], body["times"]) for body in town.posted("cdn/faults")]
    assert asked == [("TooMany.Refresh", None), ("PreloadQueueFull", None)]


def test_what_is_broken_is_listed_and_cleared_at_once(town: StillTown, open_page: Open) -> None:
    town.cdn["faults"] = [{"kind": "lose_answer", "code": "", "times": 1}]
    page = open_page()
    expect(page.get_by_role("list", name="Broken now")).to_contain_text(
        "Answer lost (next request)"
    )

    with page.expect_response("**/slack/faults"):
        press(page, "Clear all", "cdn/faults")
    assert town.posted("cdn/faults") == town.posted("slack/faults") == [{}]


def test_the_one_clock_of_the_town_is_moved(town: StillTown, open_page: Open) -> None:
    page = open_page()
    for leap in ("+1 min", "+10 min", "+30 min"):
        press(page, f"Move the clock {leap}", "slack/wait")

    assert town.posts == [("slack/wait", {"seconds": seconds}) for seconds in (60, 600, 1800)]


def test_starting_over_is_asked_first(town: StillTown, open_page: Open) -> None:
    page = open_page()
    page.get_by_role("button", name="Start over").click()
    expect(page.get_by_role("dialog")).to_contain_text("Everything is forgotten, in all windows")
    page.get_by_role("dialog").get_by_role("button", name="Keep going").click()
    assert town.posts == []

    page.get_by_role("button", name="Start over").click()
    with page.expect_response("**/town/reset"):
        page.get_by_role("dialog").get_by_role("button", name="Start over").click()
    assert {path for path, _ in town.posts} == {"town/reset"}


def steps_done(page: Page) -> list[str]:
    return page.locator(".tour li[data-done] > span:nth-child(2)").all_inner_texts()


def test_the_guide_ticks_what_the_town_shows(town: StillTown, open_page: Open) -> None:
    done, waiting = town.messages["C0WEB"][3], town.messages["C0WEB"].pop()
    town.messages["C0WEB"].remove(done)
    plain_task, _, forced_task = town.cdn["tasks"]
    town.cdn["tasks"] = []
    page = open_page(guide=True)
    guide = page.get_by_role("region", name="The first minute")
    expect(guide.locator("[aria-current=step]")).to_contain_text("Purge as Ana")
    guide.get_by_role("button", name="Type it for me").click()
    expect(page.get_by_role("textbox", name="Message #web-publishing")).to_have_value(
        "/purge www.example.com homepage"
    )

    town.cdn["tasks"] = [plain_task | {"status": "Refreshing"}]
    town.change()
    expect(guide.locator("[aria-current=step]")).to_contain_text("Watch it finish")
    expect(guide).to_contain_text("says when it is complete")

    town.cdn["tasks"] = [plain_task]
    town.change()
    expect(guide.locator("[aria-current=step]")).to_contain_text("Ask for force")
    assert steps_done(page) == ["Purge as Ana", "Watch it finish"]

    town.messages["C0WEB"].append(waiting)
    town.change()
    expect(guide.locator("[aria-current=step]")).to_contain_text("Become Sam")
    guide.get_by_role("button", name="Speak as Sam").click()
    expect(guide.locator("[aria-current=step]")).to_contain_text("Approve")

    town.cdn["tasks"] = [plain_task, forced_task]
    town.change()
    expect(guide).to_contain_text("That was the whole way")


def test_the_guide_stays_away_once_dismissed_and_can_be_called_back(open_page: Open) -> None:
    page = open_page(guide=True)
    guide = page.get_by_role("region", name="The first minute")
    guide.get_by_role("button", name="Dismiss the guide").click()
    expect(guide).to_have_count(0)
    page.reload()
    page.get_by_role("log").wait_for()
    expect(guide).to_have_count(0)

    page.get_by_role("button", name="Guide").click()
    expect(guide).to_be_visible()


def test_the_clock_shows_the_towns_time(open_page: Open) -> None:
    assert NOW == 1_763_800_200
    expect(open_page().locator(".stage time").first).to_have_text("9:30 AM")
