# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""The telephony library is tested as it is meant to be used: without Odoo.

``telephony`` is found by the ``pythonpath`` in pyproject.toml; what Asterisk sent is
in :mod:`recordings`.
"""

import threading
import time

import pytest
from hypothesis import settings

# How long an example takes says more about the machine than about the code.
settings.register_profile("telephony", deadline=None)
settings.load_profile("telephony")


@pytest.fixture(autouse=True)
def no_thread_left():
    """No test may leave a thread of an AMI client behind."""
    yield
    deadline = time.monotonic() + 5
    while left := [one for one in threading.enumerate() if one.name.startswith("ami ")]:
        assert time.monotonic() < deadline, left
        time.sleep(0.01)
