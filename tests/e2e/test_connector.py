# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""The connector itself: who leads, what it says of its health, what it puts right."""

import subprocess
import time

import pytest
from e2e.site import wait_for

from sandbox.odoo import command

pytestmark = pytest.mark.timeout(120)


def health(site):
    [row] = site.rows("SELECT epoch, pid, state, error FROM callcenter_connector")
    return row


def test_take_over(site):
    """The one that leads is killed: the one that stands by leads within 5 s."""
    instance = site.instance
    options = ["-c", str(instance.odoo_conf), "-d", instance.database]
    words, environment = command(instance, "callcenter", *options)
    with (instance.logs / "standby.log").open("wb") as log:
        standby = subprocess.Popen(words, env=environment, stdout=log, stderr=log)
    try:
        # It says nothing of itself while another one leads.
        wait_for(
            lambda: (
                "standing by" in (instance.logs / "standby.log").read_text().lower()
            ),
            30,
            "the second connector stands by",
        )
        before = health(site)
        assert before["pid"] != standby.pid
        instance.connector.kill()
        killed = time.monotonic()
        wait_for(
            lambda: (
                (now := health(site))["pid"] == standby.pid
                and now["state"] == "connected"
            ),
            8,
            "the second connector is connected",
        )
        assert time.monotonic() - killed <= 5
        assert health(site)["epoch"] == before["epoch"] + 1
    finally:
        instance.connector.start()
        standby.terminate()
        standby.wait(20)
    site.wait_connected()


def test_wrong_password(site, chromium):
    """What is wrong is named, by itself and on the button; corrected, it is mended."""
    admin = site.login("admin")
    [pbx] = admin.call("callcenter.pbx", "search", [], limit=1)
    context, page = chromium.person("admin")
    page.goto(f"/odoo/pbx/{pbx}")
    button = "button[name=action_test_connection]"
    page.click(button)
    page.wait_for_selector(".o_notification:has-text('All is well')", timeout=12000)
    admin.call("callcenter.pbx", "write", [pbx], {"password": "wrong"})
    try:
        wait_for(
            lambda: "refused the log-in" in (health(site)["error"] or ""),
            20,
            "the connector names the wrong password",
        )
        page.reload()
        page.click(button)
        page.wait_for_selector(
            ".o_notification:has-text('refused the log-in')", timeout=12000
        )
    finally:
        admin.call(
            "callcenter.pbx", "write", [pbx], {"password": site.instance.ami_secret}
        )
    site.wait_connected()
    wait_for(lambda: health(site)["state"] == "connected", 20, "it is connected again")
    context.close()


def test_resynchronise(site, chromium):
    """A call that hangs in Odoo and not in the PBX is closed by the button."""
    admin = site.login("admin")
    [pbx] = admin.call("callcenter.pbx", "search", [], limit=1)
    [company] = admin.call("res.company", "search", [], limit=1)
    site.execute(
        """
        INSERT INTO callcenter_call
               (pbx_id, company_id, uniqueid, direction, number, state, start)
        VALUES (%s, %s, 'lost-1.0', 'inbound', '+4930999000', 'talking',
                now() AT TIME ZONE 'UTC' - interval '1 hour')
        """,
        pbx,
        company,
    )
    context, page = chromium.person("admin")
    page.goto(f"/odoo/pbx/{pbx}")
    page.click("button[name=action_resync]")
    page.wait_for_selector(".o_notification:has-text('Calls closed: 1')", timeout=12000)
    call = site.ended_call("+4930999000", since=1)
    assert call["reconstructed"]
    context.close()
