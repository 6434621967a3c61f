# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""Every screen in both languages and at both sizes: complete, and not wider than it is.

The same walk makes the manual's pictures: ``make shots`` keeps those that it takes in
English at 1366×768 in ``docs/manual/images``.
"""

import os
from pathlib import Path

import pytest
from sip.phone import ring
from sip.sipp import Customers

SALES = "+49301234500"
HUBER = "+49302020300"
SIZES = [(1366, 768), (1920, 1080)]
LANGUAGES = ["en_US", "zh_CN"]
IMAGES = Path(__file__).resolve().parents[2] / "docs" / "manual" / "images"

pytestmark = pytest.mark.timeout(240)

PAGES = {
    # name: (login, path, what is on it)
    "call-list": ("lena", "/odoo/calls", ".o_list_view .o_data_row"),
    "call-graph": (
        "lena",
        "/odoo/call-analysis",
        ".o_graph_view canvas, .o_pivot_view table",
    ),
    "intervals": ("lena", "/odoo/agent-states", ".o_view_controller"),
    "pbx-list": ("admin", "/odoo/pbx", ".o_view_controller"),
    "agents": ("lena", "/odoo/call-agents", ".o_view_controller"),
    "queues": ("admin", "/odoo/call-queues", ".o_view_controller"),
}


@pytest.fixture(scope="module")
def chinese(site):
    """The demo people may read Chinese."""
    admin = site.login("admin")
    [lang] = admin.call(
        "res.lang",
        "search",
        [["code", "=", "zh_CN"]],
        context={"active_test": False},
    )
    wizard = admin.call("base.language.install", "create", {"lang_ids": [lang]})
    admin.call("base.language.install", "lang_install", wizard)

    def speak(login, language):
        [user] = admin.call("res.users", "search", [["login", "=", login]])
        admin.call("res.users", "write", [user], {"lang": language})

    yield speak
    for login in ("admin", "anna", "lena"):
        speak(login, "en_US")


def shoot(page, name, language, size, folder):
    """Take a picture; fail if the page has to be scrolled sideways."""
    # What slides in or fades has done so, and the mouse points at nothing.
    page.mouse.move(0, 0)
    page.wait_for_timeout(400)
    wide = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    page.screenshot(path=folder / f"{name}-{language}-{size[0]}.png")
    shown = f"(images/{name}.png)" in "".join(
        chapter.read_text() for chapter in IMAGES.parent.glob("*.md")
    )
    if os.environ.get("SHOTS") and shown and (language, size) == ("en_US", SIZES[0]):
        page.screenshot(path=IMAGES / f"{name}.png")
    assert wide <= 0, f"{name} in {language} at {size} is {wide} px too wide"


@pytest.fixture(scope="session")
def folder(site):
    folder = site.instance.home / "screens"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.mark.parametrize("size", SIZES, ids=lambda size: str(size[0]))
@pytest.mark.parametrize("language", LANGUAGES)
def test_pages(site, chromium, chinese, folder, language, size):
    for login in ("admin", "lena"):
        chinese(login, language)
        context, page = chromium.person(login, size)
        for name, (who, path, content) in PAGES.items():
            if who == login:
                page.goto(path)
                page.wait_for_selector(content)
                shoot(page, name, language, size, folder)
        if login == "lena":
            page.goto("/odoo/calls")
            page.click(".o_list_view .o_data_row >> nth=0")
            page.wait_for_selector(".o_form_view .o_callcenter_timeline")
            shoot(page, "call-form", language, size, folder)
        else:
            page.goto("/odoo/pbx")
            page.click(".o_data_row >> nth=0")
            journal = page.wait_for_selector(".o_field_widget[name=journal_host] input")
            # A folder of this machine says nothing to the manual's readers.
            journal.evaluate("input => { input.value = '127.0.0.1'; }")
            shoot(page, "pbx", language, size, folder)
        context.close()


@pytest.mark.parametrize("size", SIZES, ids=lambda size: str(size[0]))
@pytest.mark.parametrize("language", LANGUAGES)
def test_agent_desktop(
    site, chromium, chinese, folder, phone, signed_in, language, size
):
    """The agent's panel, and the pop of a known, an unknown and an ambiguous caller."""
    chinese("anna", language)
    family = site.login("admin")
    for name in ("Petra Huber", "Jonas Huber"):
        if not family.call("res.partner", "search", [["name", "=", name]]):
            family.call("res.partner", "create", {"name": name, "phone": HUBER})
    desk = phone("1001", on_call=ring)
    signed_in("anna", "1001", ["sales"])
    context, page = chromium.person("anna", size)
    page.goto("/odoo/contacts")
    page.wait_for_selector(".o_kanban_record, .o_data_row")
    page.click(".o_callcenter_agent_menu")
    page.wait_for_selector(".o_callcenter_agent_panel")
    shoot(page, "agent-panel", language, size, folder)
    page.keyboard.press("Escape")

    for name, (number, text) in {
        "pop-known": ("+49301234567", "Weber Haustechnik GmbH"),
        "pop-unknown": ("+4930998877", "Nobody <i>known</i>"),
        "pop-several": (HUBER, "Petra Huber"),
    }.items():
        customers = Customers(
            site.instance, [(number, "Nobody <i>known</i>")], SALES, 6
        )
        call = desk.wait_call()
        page.wait_for_selector(".o_callcenter_pop")
        if text:
            page.wait_for_selector(f".o_callcenter_pop:has-text('{text}')")
        shoot(page, name, language, size, folder)
        call.answer()
        page.wait_for_selector(".o_callcenter_pop [data-state=talking]")
        if name == "pop-known":
            shoot(page, "pop-talking", language, size, folder)
        customers.wait()
        page.wait_for_selector(".o_callcenter_pop .o_callcenter_close")
        page.click(".o_callcenter_pop .o_callcenter_close")
    context.close()
