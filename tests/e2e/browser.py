# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""Headless Chromium, driven as an agent drives it."""

import shutil

from playwright.sync_api import sync_playwright

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
]


class Browser:
    """:param url: the Odoo that its pages open"""

    def __init__(self, url):
        self.url = url

    def __enter__(self):
        self._playwright = sync_playwright().start()
        self._browser = self._playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=ARGUMENTS
        )
        return self

    def __exit__(self, *_error):
        self._browser.close()
        self._playwright.stop()

    def person(self, login, size=(1366, 768)):
        """Return a context of its own (cookies) in which *login* is signed in."""
        context = self._browser.new_context(
            base_url=self.url, viewport={"width": size[0], "height": size[1]}
        )
        page = context.new_page()
        page.goto("/web/login")
        page.fill("input[name=login]", login)
        page.fill("input[name=password]", login)
        page.click("button[type=submit]")
        page.wait_for_selector(".o_web_client .o_main_navbar")
        return context, page
