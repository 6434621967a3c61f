# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
import logging
import os

from odoo.cli import Command
from odoo.tools import config


class Callcenter(Command):
    """Connect Odoo with its PBXs, until SIGTERM or SIGINT

    Runs beside the Odoo server and serves every active PBX of the databases. Any number
    may run, on any host: one serves a PBX, the others stand by.
    """

    name = "callcenter"

    def run(self, cmdargs):
        self.parser.add_argument("-c", "--config", help="configuration file")
        self.parser.add_argument(
            "-d",
            "--database",
            help="databases to serve, separated by commas (default: db_name)",
        )
        args, others = self.parser.parse_known_args(cmdargs)
        if args.config:
            others += ["-c", args.config]
        if args.database:
            others += ["-d", args.database]
        config.parse_config(["--no-http", *others], setup_logging=True)
        if not config["db_name"]:
            self.parser.error("say by -d which databases to serve")
        # Not before the configuration: it says where the addons are.
        from odoo.addons.callcenter_core.service.connector import Connector

        Connector(config["db_name"]).run()
        # All is committed; to take down what Odoo loaded costs another second or two.
        logging.shutdown()
        os._exit(0)
