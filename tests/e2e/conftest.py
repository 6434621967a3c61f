# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""One call centre for all end-to-end tests; its people are made anew for each."""

import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from e2e.browser import Browser  # noqa: E402
from e2e.site import Site, wait_for  # noqa: E402
from sip.phone import Phone  # noqa: E402

from sandbox.instance import Instance  # noqa: E402


@pytest.fixture(scope="session")
def site():
    site = Site(Instance(os.environ.get("INSTANCE", "test")))
    try:
        site.start()
        yield site
    finally:
        site.stop()


@pytest.fixture(scope="session")
def chromium(site):
    with Browser(site.instance.url) as browser:
        yield browser


@pytest.fixture
def phone(site):
    """Return a function that gives the registered SIP phone of an extension."""
    phones = []

    def make(extension, **behaviour):
        phone = Phone(extension, port=site.instance.sip_port, **behaviour)
        phones.append(phone)
        phone.register()
        site.instance.asterisk.wait_registered(extension)
        return phone

    yield make
    for phone in phones:
        phone.close()


@pytest.fixture
def signed_in(site):
    """Return a function that signs a demo agent in at an extension.

    The agent is signed out after the test, so that no later call is offered.
    """
    sessions = []

    def sign_in(login, extension, queues=None):
        session = site.login(login)
        sessions.append(session)
        places = session.call(
            "callcenter.extension", "search", [["number", "=", extension]]
        )
        chosen = queues and session.call(
            "callcenter.queue", "search", [["code", "in", queues]]
        )
        session.call("callcenter.agent", "sign_in", places[0], chosen)
        wait_for(
            lambda: (
                session.call("callcenter.agent", "desktop")["agent"]["state"] == "ready"
            ),
            5,
            f"{login} is ready",
        )
        return session

    yield sign_in
    for session in sessions:
        session.call("callcenter.agent", "sign_out")
    for session in sessions:
        wait_for(
            lambda session=session: (
                session.call("callcenter.agent", "desktop")["agent"]["state"]
                == "signed_out"
            ),
            5,
            "signed out",
        )
