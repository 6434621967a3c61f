# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
import logging
import re

from odoo.addons.web.tests import test_js
from odoo.tests import HttpCase, no_retry, tagged

SUITE = "@callcenter_core"
PASSED = re.compile(r"\[HOOT\] Passed (\d+) tests")


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
        passed = [int(count) for count in PASSED.findall("\n".join(log.messages))]
        self.assertTrue(passed, "The runner did not say how many tests passed.")
        self.assertGreater(passed[-1], 0, f"No test of the suite {SUITE} was run.")
