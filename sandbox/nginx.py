# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""The proxy in front of Odoo with workers, as the manual recommends it."""

import os
import urllib.error
import urllib.request

from .component import Component
from .install import program
from .paths import HERE, fill


class Nginx(Component):
    name = "nginx"

    def __init__(self, instance):
        super().__init__(instance)
        self.directory = instance.home / "nginx"
        self.conf = self.directory / "nginx.conf"

    def prepare(self):
        self.directory.mkdir(exist_ok=True)
        values = {
            "HOME": self.directory,
            "HOST": self.instance.host,
            "PROXY_PORT": self.instance.proxy_port,
            "ODOO_PORT": self.instance.odoo_port,
            "GEVENT_PORT": self.instance.gevent_port,
            "ASTERISK_HTTP_PORT": self.instance.asterisk_http_port,
        }
        self.conf.write_text(fill((HERE / "nginx.conf").read_text(), values))

    def command(self):
        options = ["-p", str(self.directory), "-c", str(self.conf), "-e", "stderr"]
        return [*program("nginx"), *options, "-g", "daemon off;"], os.environ

    def is_ready(self):
        url = f"http://{self.instance.host}:{self.instance.proxy_port}/web/health"
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
        return True
