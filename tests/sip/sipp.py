# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""Customers of the carrier, played by SIPp.

SIPp is the independent witness of the end-to-end tests: what it says about
number, start and end of its calls is held against what Odoo wrote down.
"""

import csv
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from string import Template

from sandbox.install import program

SCENARIO = Path(__file__).with_name("customer.xml")


@dataclass
class Witness:
    """One call as SIPp saw it; times are seconds since the epoch.

    :param started: the INVITE was sent
    :param answered: the 200 came; None if never
    :param stopped: the BYE was sent or came, or the refusal came; None if neither
    :param ours: whether the BYE was ours
    """

    number: str
    started: float
    answered: float | None = None
    stopped: float | None = None
    ours: bool = False


class Customers:
    """A run of SIPp that places one call for each customer.

    :param instance: the sandbox instance whose Asterisk is called
    :param callers: (number, name) pairs
    :param did: the number that they dial
    :param stay: seconds from the PBX's answer to our hanging up
    :param rate: calls per second
    """

    def __init__(self, instance, callers, did, stay, rate=1.0):
        self.numbers = [number for number, _name in callers]
        self.folder = Path(tempfile.mkdtemp(prefix="sipp-"))
        scenario = Template(SCENARIO.read_text()).substitute(stay=int(stay * 1000))
        (self.folder / "customer.xml").write_text(scenario)
        (self.folder / "callers.csv").write_text(
            "SEQUENTIAL\n" + "".join(f"{number};{name}\n" for number, name in callers)
        )
        command = [
            *program("sipp"),
            f"127.0.0.1:{instance.sip_port}",
            *("-sf", "customer.xml", "-inf", "callers.csv", "-s", did),
            *("-i", instance.carrier_host, "-p", str(instance.carrier_port)),
            *("-m", str(len(callers)), "-r", str(rate), "-l", str(len(callers))),
            *("-trace_shortmsg", "-shortmessage_file", "messages.csv"),
            *("-trace_err", "-error_file", "errors.log", "-nostdin"),
            *("-timeout", str(int(stay + len(callers) / rate + 60))),
        ]
        self.process = subprocess.Popen(
            command,
            cwd=self.folder,
            env={"TERM": "xterm"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def wait(self, timeout=120):
        """Return the witnesses, once SIPp has ended."""
        self.process.wait(timeout)
        return self.witnesses()

    def stop(self):
        """End SIPp at once, with its calls unfinished."""
        self.process.kill()
        self.process.wait(10)

    def witnesses(self):
        """Return a :class:`Witness` per call placed, in order of their start.

        SIPp numbers its calls from 1; the caller list is read in sequence.
        """
        calls = {}
        with (self.folder / "messages.csv").open(newline="") as log:
            for row in csv.reader(log, delimiter="\t"):
                _date, _clock, stamp, direction, call_id, cseq, line = row[:7]
                index = int(call_id.split("-", 1)[0]) - 1
                witness = calls.get(index)
                if witness is None:
                    witness = calls[index] = Witness(
                        self.numbers[index % len(self.numbers)], float(stamp)
                    )
                self._read(witness, float(stamp), direction, cseq, line)
        return [calls[index] for index in sorted(calls)]

    @staticmethod
    def _read(witness, stamp, direction, cseq, line):
        if line.startswith("BYE"):
            witness.stopped = witness.stopped or stamp
            witness.ours = witness.ours or direction == "S"
        elif line.startswith("SIP/2.0") and direction == "R" and "INVITE" in cseq:
            code = int(line.split()[1])
            if 200 <= code < 300:
                witness.answered = witness.answered or stamp
            elif code >= 300:
                witness.stopped = witness.stopped or stamp
