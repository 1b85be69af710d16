"""What people see and do: messages, buttons, forms, speaking as somebody else."""

from __future__ import annotations

import re

from tests.browser.seeing import Open, expect
from tests.browser.still_messages import button, mrkdwn, plain
from tests.browser.still_town import StillTown


def test_a_button_with_confirm_asks_before_it_presses(town: StillTown, open_page: Open) -> None:
    page = open_page("U0SAM")
    approve = page.get_by_role("button", name="Approve")

    approve.click()
    dialog = page.get_by_role("dialog", name="Purge with force?")
    expect(dialog).to_contain_text("Every copy of *2 tags*")  # Slack shows it as it is
    expect(dialog.get_by_role("button", name="Not yet")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(approve).to_be_focused()
    assert town.posted("slack/press") == []

    approve.click()
    with page.expect_response("**/slack/press"):
        dialog.get_by_role("button", name="Approve").click()
    expect(dialog).to_have_count(0)
    waiting = town.messages["C0WEB"][-1]["ts"]
    assert town.posted("slack/press") == [
        {
            "as": "U0SAM",
            "channel": "C0WEB",
            "ts": waiting,
            "block_id": "decide",
            "action_id": "approve",
        }
    ]


def test_a_button_without_confirm_presses_at_once(town: StillTown, open_page: Open) -> None:
    page = open_page("U0SAM")
    with page.expect_response("**/slack/press"):
        page.get_by_role("button", name="Deny").click()

    assert [body["action_id"] for body in town.posted("slack/press")] == ["deny"]


def test_a_select_and_a_menu_tell_which_option_was_taken(town: StillTown, open_page: Open) -> None:
    options = [{"text": plain("One"), "value": "1"}, {"text": plain("Two"), "value": "2"}]
    select = {"type": "static_select", "action_id": "pick", "options": options}
    menu = {"type": "overflow", "action_id": "more", "options": options}
    town.say_to_web({"blocks": [{"type": "actions", "block_id": "b", "elements": [select, menu]}]})
    page = open_page()

    with page.expect_response("**/slack/press"):
        page.get_by_role("combobox", name="Choose").select_option("2")
    page.get_by_role("button", name="More choices").click()
    with page.expect_response("**/slack/press"):
        page.get_by_role("menuitem", name="One").click()

    taken = [body["selected"]["selected_option"] for body in town.posted("slack/press")]
    assert taken == [options[1], options[0]]


def test_a_press_that_times_out_is_told(town: StillTown, open_page: Open) -> None:
    town.answers["slack/press"] = {"outcome": "operation_timeout", "shown": None}
    page = open_page("U0SAM")
    page.get_by_role("button", name="Deny").click()

    toast = page.locator(".toast")
    expect(toast).to_contain_text("operation_timeout")
    toast.get_by_role("button", name="Dismiss").click()
    expect(toast).to_have_count(0)


def test_an_ephemeral_message_is_marked_and_only_its_readers(open_page: Open) -> None:
    refusal = "You may not purge docs.example.org"

    as_ana = open_page("U0ANA").locator("article", has_text=refusal)
    expect(as_ana).to_contain_text("Only visible to you")
    expect(open_page("U0SAM").locator("article", has_text=refusal)).to_have_count(0)


def test_the_typed_command_stands_above_its_answer(open_page: Open) -> None:
    card = open_page().locator("article", has_text="Purged homepage")

    expect(card.locator("header ~ .command")).to_have_text(
        re.compile("/purge www.example.com homepage$")
    )


def test_an_edited_message_shows_its_earlier_versions_on_demand(open_page: Open) -> None:
    page = open_page()
    versions = page.get_by_role("list", name="Earlier versions")
    expect(versions).to_have_count(0)

    page.get_by_role("button", name="(edited)").click()
    expect(versions.get_by_role("listitem")).to_have_text(
        [re.compile("Asked the CDN"), re.compile("40 %")]
    )


def test_replies_stand_under_the_message_they_answer(town: StillTown, open_page: Open) -> None:
    first = town.messages["C0WEB"][0]["ts"]
    town.say_to_web({"user": "U0SAM", "text": "Looking into it", "thread_ts": first})
    page = open_page()

    expect(page.get_by_text("Looking into it")).to_have_count(0)
    page.locator("article").first.get_by_role("button", name="1 reply").click()
    expect(page.locator("article").first.get_by_text("Looking into it")).to_be_visible()


def test_a_new_message_appears_by_itself(town: StillTown, open_page: Open) -> None:
    page = open_page()
    town.say_to_web({"text": "Purged *sale*"})

    expect(page.locator("article").last).to_contain_text("Purged sale")
    expect(page.locator("article").last).to_be_in_viewport()


def test_who_reads_further_up_is_not_moved_but_told_of_new_messages(
    town: StillTown, open_page: Open
) -> None:
    page = open_page(viewport={"width": 1440, "height": 500})
    page.get_by_role("log").evaluate("log => log.scrollTo(0, 0)")
    town.say_to_web({"text": "News"})
    page.get_by_role("button", name="New messages").wait_for()
    expect(page.get_by_text("News", exact=True)).not_to_be_in_viewport()
    page.get_by_role("button", name="New messages").click()

    expect(page.get_by_text("News", exact=True)).to_be_in_viewport()
    expect(page.get_by_role("button", name="New messages")).to_have_count(0)


def test_who_moves_up_as_a_message_comes_is_not_moved_down_again(
    town: StillTown, open_page: Open
) -> None:
    """A browser tells of a scroll at its next frame; a message may be there before it."""
    page = open_page(viewport={"width": 1440, "height": 500})
    page.evaluate("addEventListener('scroll', event => event.stopPropagation(), true)")
    page.get_by_role("log").evaluate("log => log.scrollTo(0, 0)")
    town.say_to_web({"text": "News"})

    page.get_by_role("button", name="New messages").wait_for()
    expect(page.get_by_text("News", exact=True)).not_to_be_in_viewport()


def test_who_speaks_can_be_switched_and_is_kept_in_the_address(
    town: StillTown, open_page: Open
) -> None:
    page = open_page("U0ANA")
    page.get_by_role("button", name="Speaking as Ana Ortiz").click()
    menu = page.get_by_role("menu", name="Speak as")
    expect(menu.get_by_role("menuitemradio", name="Gus Hall guest")).to_be_visible()
    expect(menu.get_by_role("menuitemradio", name="Eve Stone other workspace")).to_be_visible()
    expect(menu.get_by_role("menuitemradio", name="Dan Lee deactivated")).to_be_disabled()
    menu.get_by_role("menuitemradio", name="Sam Reed").click()

    expect(page.get_by_role("button", name="Speaking as Sam Reed")).to_be_visible()
    page.reload()
    page.get_by_role("textbox", name="Message #web-publishing").fill("hello")
    with page.expect_response("**/slack/say"):
        page.get_by_role("button", name="Send").click()
    assert town.posted("slack/say") == [{"as": "U0SAM", "channel": "C0WEB", "text": "hello"}]


def test_everybody_sees_their_own_places(open_page: Open) -> None:
    places = open_page("U0KIM").get_by_role("navigation")

    expect(places.get_by_role("button", name="cdn-ops")).to_be_visible()
    expect(places.get_by_role("button", name="launch-secret")).to_have_count(0)


def test_an_unread_message_is_counted_until_its_place_is_opened(
    town: StillTown, open_page: Open
) -> None:
    town.unread["D0ANABOT"] = 2
    page = open_page()

    with page.expect_response("**/slack/read"):
        page.get_by_role("button", name="Purgebot app 2 unread").click()
    assert town.posted("slack/read") == [{"as": "U0ANA", "channel": "D0ANABOT"}]
    expect(page.get_by_role("button", name="Purgebot app", exact=True)).to_be_visible()


def test_the_apps_home_tab_is_asked_for_and_shown(town: StillTown, open_page: Open) -> None:
    town.home = {
        "id": "V0HOME",
        "type": "home",
        "blocks": [{"type": "section", "text": mrkdwn("*Your purges*")}],
    }
    page = open_page(channel="D0ANABOT")
    with page.expect_response("**/slack/open_home"):
        page.get_by_role("button", name="Home").click()

    expect(page.get_by_text("Your purges")).to_be_visible()
    assert town.posted("slack/open_home") == [{"as": "U0ANA"}]


FORM = {
    "id": "V0FORM",
    "type": "modal",
    "title": plain("Purge a tag"),
    "submit": plain("Purge"),
    "close": None,
    "errors": {},
    "blocks": [
        {
            "type": "input",
            "block_id": "tags",
            "label": plain("Tags"),
            "element": {"type": "plain_text_input", "action_id": "v"},
        },
        {
            "type": "input",
            "block_id": "how",
            "label": plain("How"),
            "element": {
                "type": "radio_buttons",
                "action_id": "v",
                "initial_option": {"text": plain("Gently"), "value": "g"},
                "options": [
                    {"text": plain("Gently"), "value": "g"},
                    {"text": plain("Force"), "value": "f"},
                ],
            },
        },
        {
            "type": "input",
            "block_id": "also",
            "optional": True,
            "label": plain("Also"),
            "element": {
                "type": "checkboxes",
                "action_id": "v",
                "options": [{"text": plain("Tell all"), "value": "t"}],
            },
        },
        {"type": "actions", "block_id": "a", "elements": [button("Suggest", "suggest")]},
    ],
}


def test_a_form_is_sent_when_what_it_requires_is_there(town: StillTown, open_page: Open) -> None:
    town.views = [FORM]
    form = open_page().get_by_role("dialog", name="Purge a tag")
    expect(form.get_by_role("textbox", name="Tags")).to_be_focused()
    form.get_by_role("button", name="Purge").click()
    expect(form.get_by_role("alert")).to_have_text("Please complete this required field.")
    assert town.posted("slack/submit") == []

    form.get_by_role("textbox", name="Tags").fill("sale")
    form.get_by_role("radio", name="Force").check()
    with form.page.expect_response("**/slack/submit"):
        form.get_by_role("button", name="Purge").click()

    [sent] = town.posted("slack/submit")
    assert sent["values"] == {
        "tags": {"v": {"type": "plain_text_input", "value": "sale"}},
        "how": {
            "v": {
                "type": "radio_buttons",
                "selected_option": {"text": plain("Force"), "value": "f"},
            }
        },
        "also": {"v": {"type": "checkboxes", "selected_options": []}},
    }


def test_a_form_shows_what_the_app_refused(town: StillTown, open_page: Open) -> None:
    town.views = [FORM | {"errors": {"tags": "No such tag"}}]

    expect(open_page().get_by_role("alert")).to_have_text("No such tag")


def test_a_button_in_a_form_presses_and_escape_closes_the_form(
    town: StillTown, open_page: Open
) -> None:
    town.views = [FORM]
    page = open_page()
    with page.expect_response("**/slack/press"):
        page.get_by_role("button", name="Suggest").click()
    with page.expect_response("**/slack/close"):
        page.keyboard.press("Escape")

    assert town.posted("slack/press") == [
        {"as": "U0ANA", "view_id": "V0FORM", "block_id": "a", "action_id": "suggest"}
    ]
    assert town.posted("slack/close") == [{"as": "U0ANA", "view_id": "V0FORM"}]
