# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""A real Asterisk with the files that a partner installs, and no Odoo."""

import os
import threading
import time

import pytest

from sandbox.instance import Instance
from telephony.ami import Client
from tests.sip.phone import Phone


class Manager(Client):
    """The manager interface, with all that it told in a list."""

    def __init__(self, instance, user, secret):
        self.events = []
        self._news = threading.Condition()
        super().__init__(
            instance.host, instance.ami_port, user, secret, on_event=self._note
        )

    def _note(self, event):
        with self._news:
            self.events.append(event)
            self._news.notify_all()

    def wait_event(self, name, timeout=15, **headers):
        """Return the first event of that name and with those headers."""

        def found():
            for event in self.events:
                if event.name == name and headers.items() <= event.items():
                    return event
            return None

        with self._news:
            event = self._news.wait_for(found, timeout)
        assert event, f"no {name} with {headers} within {timeout} s"
        return event


@pytest.fixture(scope="session")
def instance():
    instance = Instance(os.environ.get("INSTANCE", "test"))
    instance.asterisk.clean()
    try:
        instance.postgres.start()
        instance.postgres.create_roles()
        instance.asterisk.start()
        yield instance
    finally:
        instance.asterisk.stop()
        instance.postgres.stop()


@pytest.fixture
def manager(instance):
    """The connector's user, as it is shipped."""
    with Manager(instance, instance.ami_user, instance.ami_secret) as manager:
        assert manager.wait_connected(10)
        yield manager


@pytest.fixture
def phone(instance):
    """Return a function that gives a registered telephone, each with its own tone."""
    phones = []

    def make(extension, **options):
        options.setdefault("frequency", 300 + 100 * len(phones))
        phone = Phone(extension, port=instance.sip_port, **options)
        phones.append(phone)
        phone.register()
        instance.asterisk.wait_registered(extension)
        return phone

    yield make
    for phone in phones:
        phone.close()
    _no_channels(instance)


@pytest.fixture
def carrier(instance):
    """Whoever is outside: calls us from his number, is called by any."""
    phone = Phone(
        "+491701234567",
        port=instance.sip_port,
        host=instance.carrier_host,
        local_port=instance.carrier_port,
        frequency=1000,
    )
    yield phone
    phone.close(unregister=False)


@pytest.fixture
def member(manager):
    """Return a function that puts a telephone into a queue for the test."""
    members = []

    def add(queue, extension):
        fields = {"Queue": queue, "Interface": f"PJSIP/{extension}"}
        manager.action("QueueAdd", fields)
        members.append(fields)

    yield add
    for fields in members:
        manager.action("QueueRemove", fields)


def _no_channels(instance):
    """Until the last test's calls are gone."""
    for _attempt in range(100):
        if "0 active channels" in instance.asterisk.cli("core show channels count"):
            return
        time.sleep(0.1)
