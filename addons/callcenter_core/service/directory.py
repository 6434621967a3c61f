# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""Who and what a PBX's interfaces and queue names are, kept in memory."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Extension:
    id: int
    interface: str


@dataclass(frozen=True, slots=True)
class Agent:
    """:param interface: where the database has them signed in, empty for nowhere"""

    id: int
    user_id: int
    team_id: int | bool
    company_id: int
    interface: str


@dataclass(frozen=True, slots=True)
class Queue:
    """:param wrap_up: seconds of work after each of its calls"""

    id: int
    company_id: int
    wrap_up: float


@dataclass(frozen=True, slots=True)
class Member:
    """:param signed_in: whether the agent's phone is in the queue now"""

    id: int
    signed_in: bool


class Directory:
    """The extensions, agents and queues of one PBX.

    :ivar extensions: by interface
    :ivar agents: by id; those of the PBX's company who sit at it, or at no other PBX
    :ivar queues: by the name that the PBX has for them
    :ivar interfaces: those of the extensions; always the same set object
    :ivar members: each :class:`Member` by (queue's name, agent's id)
    :ivar stale: whether it is to be read anew before it is used
    """

    def __init__(self, pbx_id):
        self.pbx_id = pbx_id
        self.company_id = 0
        self.extensions = {}
        self.interfaces = set()
        self.agents = {}
        self.queues = {}
        self.members = {}
        self.stale = False

    def load(self, env):
        """Read all anew; some milliseconds for some hundred agents."""
        pbx = env["callcenter.pbx"].browse(self.pbx_id)
        self.company_id = pbx.company_id.id
        self.extensions = {
            row["interface"]: Extension(row["id"], row["interface"])
            for row in env["callcenter.extension"].search_read(
                [("pbx_id", "=", pbx.id)], ["interface"], load=None
            )
        }
        self.interfaces |= self.extensions.keys()
        self.interfaces &= self.extensions.keys()
        interfaces = {each.id: each.interface for each in self.extensions.values()}
        self.agents = {
            row["id"]: Agent(
                row["id"],
                row["user_id"],
                row["team_id"],
                row["company_id"],
                interfaces.get(row["extension_id"], ""),
            )
            for row in env["callcenter.agent"].search_read(
                [("extension_id", "in", [False, *interfaces])],
                ["user_id", "team_id", "company_id", "extension_id"],
                load=None,
            )
        }
        self.queues = {
            row["code"]: Queue(row["id"], row["company_id"], row["wrap_up"])
            for row in env["callcenter.queue"]
            .with_context(active_test=False)
            .search_read(
                [("pbx_id", "=", pbx.id)], ["code", "company_id", "wrap_up"], load=None
            )
        }
        names = {queue.id: name for name, queue in self.queues.items()}
        self.members = {
            (names[row["queue_id"]], row["agent_id"]): Member(
                row["id"], row["signed_in"]
            )
            for row in env["callcenter.queue.member"].search_read(
                [("queue_id", "in", list(names))],
                ["queue_id", "agent_id", "signed_in"],
                load=None,
            )
        }
        self.stale = False
