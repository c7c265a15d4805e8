"""The laboratory from a script or a LIMS: a small typed client of the dashboard's API.

    with Athanor("https://lab.example:8443", token=token) as lab:
        best = lab.campaign("oer-1").best
        lab.pause("oer-1", reason="the furnace is needed elsewhere")
        for event in lab.events(after_seq=lab.seq()):
            ...

Client and server are to be of one version: what a server says beyond the client's models is an
error, not a gap.
"""

from orchestrator.client.connection import ClientError, NoAnswer, Refused, Unreadable
from orchestrator.client.remote_lab import Athanor

__all__ = ["Athanor", "ClientError", "NoAnswer", "Refused", "Unreadable"]
