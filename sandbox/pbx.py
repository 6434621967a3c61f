# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""Asterisk with the sandbox's configuration and the files a partner installs.

The dialplan include, the manager user and the journal of ``callcenter_core`` are used
exactly as shipped, but for passwords and places: what is tested is what is given out.
"""

import os
import re
import shutil
import socket
import subprocess
import time

from .component import Component
from .console import Problem
from .install import asterisk_share, program
from .paths import ADDONS, HERE, fill

TEMPLATES = HERE / "asterisk"
SHIPPED = ADDONS / "callcenter_core" / "asterisk"


class Asterisk(Component):
    name = "asterisk"

    def __init__(self, instance):
        super().__init__(instance)
        self.directory = instance.asterisk_dir
        self.etc = self.directory / "etc"

    def prepare(self):
        self._make_folders()
        for template in sorted(TEMPLATES.glob("*.conf")):
            text = fill(template.read_text(), self._values())
            (self.etc / template.name).write_text(text)
        self._render_shipped()

    def command(self):
        words = self._program() + ["-f", "-g"]
        return words, {**os.environ, "HOME": str(self.directory), "LANG": "C.UTF-8"}

    def is_ready(self):
        done = self._remote("core waitfullybooted")
        return done.returncode == 0 and "fully booted" in done.stdout

    def cli(self, command):
        """What Asterisk's console answers."""
        done = self._remote(command)
        if done.returncode:
            raise Problem(f"asterisk -rx '{command}': {done.stdout}{done.stderr}")
        return done.stdout

    def wait_registered(self, extension, timeout=10):
        """Until the telephone of an extension can be called."""
        deadline = time.monotonic() + timeout
        while "Avail" not in self.cli(f"pjsip show contacts like {extension}/"):
            if time.monotonic() > deadline:
                raise Problem(f"Extension {extension} has not registered.")
            time.sleep(0.1)

    # ------------------------------------------------------------
    # CONFIGURATION
    # ------------------------------------------------------------

    def _program(self):
        return [*program("asterisk"), "-C", str(self.etc / "asterisk.conf")]

    def _remote(self, command):
        words = [*self._program(), "-rx", command]
        return subprocess.run(words, capture_output=True, text=True, timeout=30)

    def _make_folders(self):
        for name in ("etc", "lib/keys", "data/sounds", "data/agi-bin", "run"):
            (self.directory / name).mkdir(parents=True, exist_ok=True)
        for name in ("monitor", "voicemail", "tmp", "outgoing"):
            (self.directory / "spool" / name).mkdir(parents=True, exist_ok=True)
        (self.directory / "log").mkdir(exist_ok=True)
        share = asterisk_share()[1]
        # Debian's own link to the English voice leads through /etc/alternatives.
        voice = next(iter(sorted(share.glob("sounds/en_US*"))), share / "sounds/en")
        links = {"sounds/en": voice, "moh": share / "moh"}
        for name in ("documentation", "static-http", "rest-api", "phoneprov"):
            links[name] = share / name
        for name, place in links.items():
            link = self.directory / "data" / name
            link.unlink(missing_ok=True)
            link.symlink_to(place)

    def _values(self):
        instance = self.instance
        return {
            "ETC": self.etc,
            "HOME": self.directory,
            "MODULES": asterisk_share()[0],
            "MOH": self._music(),
            "HOST": instance.host,
            "HOST_IP": _own_address(),
            "SIP_PORT": instance.sip_port,
            "AMI_PORT": instance.ami_port,
            "HTTP_PORT": instance.asterisk_http_port,
            "RTP_START": instance.rtp_start,
            "RTP_END": instance.rtp_end,
            "CARRIER_HOST": instance.carrier_host,
            "CARRIER_PORT": instance.carrier_port,
            "AGENTS": self._agents(),
        }

    def _agents(self):
        """SIP telephones 1001 to 1020 and browsers 2001 to 2020."""
        sections = []
        for number in range(1, 21):
            for extension, kind in ((1000 + number, "phone"), (2000 + number, "web")):
                sections.append(
                    f"[{extension}]({kind})\n"
                    f"auth={extension}\naors={extension}\n"
                    f'callerid="Agent {number}" <{extension}>\n'
                    f"[{extension}]({kind}-auth)\n"
                    f"username={extension}\npassword=pw{extension}\n"
                    f"[{extension}]({kind}-aor)\n"
                )
        return "\n".join(sections)

    def _music(self):
        share = asterisk_share()[1]
        folders = [file.parent for file in sorted(share.glob("moh/*.*"))]
        return folders[0] if folders else share / "moh"

    def _render_shipped(self):
        """The partner's files, with the sandbox's passwords and places put in."""
        instance = self.instance
        changes = {
            "manager_callcenter.conf": {"secret": instance.ami_secret},
            "cel.conf": {},
            "cel_pgsql.conf": {
                "hostname": instance.pg_socket_dir,
                "port": 5432,
                "dbname": instance.journal_database,
                "user": "callcenter_pbx",
            },
            "extensions_callcenter.conf": {},
        }
        for name, values in changes.items():
            text = (SHIPPED / name).read_text()
            for key, value in values.items():
                line = re.compile(rf"^{key}\s*=.*$", re.MULTILINE)
                text, found = line.subn(f"{key} = {value}", text)
                if not found:
                    raise Problem(f"{SHIPPED / name} has no line for {key}.")
            (self.etc / name).write_text(text)

    def clean(self):
        """Forget recordings, queue members and registrations of an earlier run."""
        for name in ("lib", "spool", "log"):
            shutil.rmtree(self.directory / name, ignore_errors=True)


def _own_address():
    """The machine's own address, which ICE finds where it does not see loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Nothing is sent: this only asks for the route.
            probe.connect(("192.0.2.1", 9))
            return probe.getsockname()[0]
        except OSError:
            return "127.0.0.1"
