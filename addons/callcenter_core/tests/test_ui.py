# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
import logging
import re

from odoo.tests import HttpCase, new_test_user, no_retry, tagged

from odoo.addons.web.tests import test_js

SUITE = "@callcenter_core"
PASSED = re.compile(rf'\[HOOT\] "{SUITE}" ended \(passed: (\d+)')


class BrowserLog(logging.Handler):
    """Keeps what the browser writes to its console."""

    def __init__(self):
        super().__init__()
        self.messages = []

    def emit(self, record):
        self.messages.append(record.getMessage())


@tagged("post_install", "-at_install")
class TestUnit(HttpCase):
    """The web client's unit tests, which are in ``static/tests``."""

    @no_retry
    def test_unit_desktop(self):
        """Run them; no test at all is a failure, too."""
        logger = self._logger.getChild("browser")
        log = BrowserLog()
        self.addCleanup(logger.removeHandler, log)
        self.addCleanup(logger.setLevel, logger.level)
        logger.addHandler(log)
        logger.setLevel(logging.INFO)
        # The runner wants the hash of a suite's name; it takes no names.
        suite = test_js.HOOTCommon._generate_hash(self, SUITE)
        self.browser_js(
            f"/web/tests?headless&loglevel=2&preset=desktop&timeout=15000&id={suite}",
            "",
            "",
            login="admin",
            timeout=300,
            success_signal="[HOOT] Test suite succeeded",
            error_checker=test_js.unit_test_error_checker,
        )
        # A suite that the runner does not know makes it run those of all addons.
        passed = PASSED.search("\n".join(log.messages))
        self.assertTrue(passed, f"The runner did not run the suite {SUITE}.")
        self.assertGreater(int(passed[1]), 0, f"No test of the suite {SUITE} passed.")


@tagged("post_install", "-at_install")
class TestWebClient(HttpCase):
    """The web client with the server's own answers."""

    #: Passes once the systray is there and has, or has not, the agent's place in it.
    SEEN = """
        const seen = () => {
            const systray = document.querySelector(".o_menu_systray .o_user_menu");
            const agent = document.querySelector(".o_callcenter_agent_menu");
            if (systray && Boolean(agent) === %s) {
                console.log("test successful");
            } else {
                setTimeout(seen, 50);
            }
        };
        // What must not come gets the time to come.
        setTimeout(seen, %s);
    """

    def test_agent(self):
        """An agent has a place in the systray, and may be one without a phone."""
        user = new_test_user(self.env, "ui_agent", "callcenter_core.group_agent")
        self.env["callcenter.agent"].create({"user_id": user.id})
        self.browser_js("/odoo", self.SEEN % ("true", 0), login=user.login)

    def test_no_agent(self):
        """Who is no agent sees nothing of it."""
        user = new_test_user(self.env, "ui_user", "base.group_user")
        self.browser_js("/odoo", self.SEEN % ("false", 2000), login=user.login)
