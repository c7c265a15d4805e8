"""The laboratory as a script sees it: looks, acts, and what happens."""

from collections.abc import Iterator, Mapping
from ssl import SSLContext
from types import TracebackType
from typing import Literal, Self

import httpx2

from orchestrator.client.campaign_files import CampaignFiles
from orchestrator.client.connection import Connection, Waiting
from orchestrator.client.event_stream import follow
from orchestrator.client.looking import CampaignLooks
from orchestrator.dashboard.api.models import VerificationView
from orchestrator.service.acts import Act, Told
from orchestrator.service.acts.bench_acts import EmergencyStop
from orchestrator.service.acts.campaign_acts import Abort, Hold, Pause, Resume, Stop
from orchestrator.service.acts.candidate_acts import Approve, Reject
from orchestrator.service.acts.result_acts import Amend, AnswerDoubt, MeasuredValue
from orchestrator.service.doubts import Answer
from orchestrator.service.stream_events import StreamEvent

__all__ = ["Athanor"]


class Athanor(CampaignLooks):
    """A laboratory behind a dashboard.

    Every act is done once: it travels under a key of its own, and a broken connection is answered
    by asking again with the same one.

    Args:
        url: Of the dashboard: ``http://127.0.0.1:8080``.
        token: As `athanor tokens add` shows it.
        timeout_s: How long one answer may take, in seconds.
        verify: Which certificates are believed; a context with a laboratory's own authority.
        transport: How requests travel; None is by the network.
        wait: Waits before asking again; None waits in real time.

    Raises:
        ClientError: The address or the token is none.

    Example:
        >>> with Athanor("http://127.0.0.1:8080", token="ath_1_2") as lab:
        ...     [name for name in ("pause", "act", "events") if not hasattr(lab, name)]
        []
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        timeout_s: float = 30.0,
        verify: SSLContext | bool = True,
        transport: httpx2.BaseTransport | None = None,
        wait: Waiting | None = None,
    ) -> None:
        super().__init__(
            Connection(
                url, token, timeout_s=timeout_s, verify=verify, transport=transport, wait=wait
            )
        )

    def __enter__(self) -> Self:
        """Return the laboratory."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let go of the network."""
        self._connection.close()

    @property
    def campaign_files(self) -> CampaignFiles:
        """Campaign files that are kept there, and dry-runs."""
        return CampaignFiles(self._connection)

    def act(self, act: Act, *, key: str | None = None, seen_seq: int | None = None) -> Told:
        """Do something that a person may do: any act of `orchestrator.service.acts`.

        Args:
            act: What.
            key: The idempotency key, to ask again for what got no answer; None makes one.
            seen_seq: The newest record that was known when this was decided: if somebody else acted
                on the same thing since, nothing is done. None does not mind.

        Raises:
            Refused: It is not allowed, not possible now, or somebody else was quicker.
            NoAnswer: Nobody knows whether it was done; the error says the key to ask again with.
        """
        path = f"/acts/{act.name}"
        return self._connection.write("POST", path, Told, act, key=key, seen_seq=seen_seq)

    def pause(self, campaign_id: str, *, reason: str = "") -> Told:
        """Finish the running experiments, start no other."""
        return self.act(Pause(campaign_id=campaign_id, reason=reason))

    def hold(self, campaign_id: str, *, reason: str = "") -> Told:
        """Finish the running jobs, start no other; samples wait where they are."""
        return self.act(Hold(campaign_id=campaign_id, reason=reason))

    def resume(self, campaign_id: str, *, reason: str = "") -> Told:
        """Go on with a paused or held campaign."""
        return self.act(Resume(campaign_id=campaign_id, reason=reason))

    def end(self, campaign_id: str, *, reason: str, how: Literal["stop", "abort"] = "stop") -> Told:
        """End a campaign for good.

        Args:
            campaign_id: Which.
            reason: Why; not empty.
            how: ``stop`` finishes the running jobs, ``abort`` cuts them off.
        """
        kind = Stop if how == "stop" else Abort
        return self.act(kind(campaign_id=campaign_id, reason=reason))

    def emergency_stop(self, *, reason: str) -> Told:
        """Make every rig safe now, and send nothing until the latch is cleared."""
        return self.act(EmergencyStop(reason=reason))

    def judge(
        self, campaign_id: str, candidate_id: str, *, is_good: bool, reason: str = ""
    ) -> Told:
        """Let a candidate be made, or refuse it.

        Args:
            campaign_id: Which campaign.
            candidate_id: Which candidate.
            is_good: Whether it is made.
            reason: Why; not empty where it is refused.
        """
        kind = Approve if is_good else Reject
        return self.act(kind(campaign_id=campaign_id, candidate_id=candidate_id, reason=reason))

    def amend(
        self,
        campaign_id: str,
        experiment_id: str,
        values: Mapping[str, MeasuredValue],
        *,
        reason: str,
    ) -> Told:
        """Correct what an experiment measured; the next proposal learns from it.

        Args:
            campaign_id: Which campaign.
            experiment_id: Which experiment.
            values: By measured objective or outcome, in the unit of its suffix; others stay.
            reason: Why.
        """
        wanted = dict(values)
        return self.act(
            Amend(
                campaign_id=campaign_id, experiment_id=experiment_id, values=wanted, reason=reason
            )
        )

    def answer_doubt(
        self, campaign_id: str, job_id: str, answer: Answer, *, reason: str, resumes: bool = False
    ) -> Told:
        """Say of a job in doubt whether it happened.

        Args:
            campaign_id: Which campaign.
            job_id: Which job.
            answer: What somebody who has looked says.
            reason: What they saw.
            resumes: Whether a campaign that waits goes on with it.
        """
        return self.act(
            AnswerDoubt(
                campaign_id=campaign_id,
                job_id=job_id,
                answer=answer,
                reason=reason,
                resumes=resumes,
            )
        )

    def verify(self) -> VerificationView:
        """Begin a check of the whole log, unless one runs; `verification` says how it goes."""
        return self._connection.write("POST", "/audit/verify", VerificationView)

    def events(self, after_seq: int | None = None) -> Iterator[StreamEvent]:
        """Yield what happens, for ever: no gap and nothing twice, whatever breaks.

        Args:
            after_seq: The record after which it begins; None is now.

        Raises:
            Refused: The server said no, for instance because the log has no such record.
        """
        begin = self.seq() if after_seq is None else after_seq
        return follow(self._connection, begin)
