"""Every kind of alarm: what it means, what happens if nobody acts, and the first thing to do.

After ISA-18.2 an alarm without a consequence or without a response is none; so each kind has both.
The on-delay is how long its cause must have been seen before it is raised, the off-delay how long
the cause must be gone before it returns; so an instrument that comes and goes rings once.

References:
    ANSI/ISA-18.2-2016, Management of Alarm Systems for the Process Industries: alarm
    rationalisation; on-delay and off-delay against chattering alarms.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from orchestrator.core.lab_events import AlarmRaised, Severity

__all__ = ["ALARM_KINDS", "AlarmKind", "Condition", "kind_of"]


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that needs a person now."""

    alarm: str
    """The alarm's name, the same for the same thing for ever: ``lost/balance``."""
    kind: "AlarmKind"
    message: str
    """What is the matter; the same for as long as it is the same matter."""
    what_to_do: str
    """The first thing to do, with the command to type."""

    def raised(self) -> AlarmRaised:
        """Return the fact that it was noticed."""
        return AlarmRaised(
            alarm=self.alarm,
            severity=self.kind.severity,
            message=self.message,
            consequence=self.kind.consequence,
            what_to_do=self.what_to_do,
        )


@dataclass(frozen=True, slots=True)
class AlarmKind:
    """What holds for all alarms of one kind."""

    name: str
    """The first part of the alarms' names."""
    severity: Severity
    meaning: str
    consequence: str
    what_to_do: str
    """With ``{subject}``, and ``{campaign}`` where the subject belongs to one."""
    on_delay_s: float = 0.0
    """How long its cause must be seen, in seconds."""
    off_delay_s: float = 0.0
    """How long its cause must be gone, in seconds."""
    is_of_campaign: bool = False
    """Whether the second part of the alarms' names is a campaign's id."""
    is_renewed: bool = False
    """Whether another message is another matter, of which a person has not heard yet."""

    def condition(self, subject: str, message: str, *, campaign: str = "") -> Condition:
        """Return one case of this kind.

        Args:
            subject: What it is about, within its campaign if it belongs to one.
            message: What is the matter, on any number of lines.
            campaign: The campaign's id, if it belongs to one.
        """
        parts = [self.name, campaign, subject]
        name = "/".join(dict.fromkeys(part for part in parts if part))
        what_to_do = self.what_to_do.format(subject=subject, campaign=campaign)
        return Condition(name, self, " ".join(message.split()), what_to_do)


def _kinds(*kinds: AlarmKind) -> Mapping[str, AlarmKind]:
    return {kind.name: kind for kind in kinds}


_CRITICAL, _HIGH, _LOW = Severity.CRITICAL, Severity.HIGH, Severity.LOW
ALARM_KINDS: Final[Mapping[str, AlarmKind]] = _kinds(
    AlarmKind(
        "log_failing",
        _CRITICAL,
        "The log cannot be read or written: the disk is full, gone or broken.",
        "Nothing is sent to any instrument; every campaign stands still.",
        "Look at the disk of {subject} and make room; everything goes on by itself then",
    ),
    AlarmKind(
        "latch",
        _CRITICAL,
        "The stop latch is set: everything was made safe.",
        "Nothing is sent to any instrument until a named person clears the latch.",
        'Look at the bench. When it is safe: athanor latch clear --by NAME --reason "..."',
        is_renewed=True,
    ),
    AlarmKind(
        "interlock",
        _CRITICAL,
        "The condition of an interlock does not hold, or its readings cannot be had.",
        "Nothing is sent to the instruments that it protects.",
        "Look at what interlock {subject} watches; it releases by itself once it holds again",
        off_delay_s=30.0,
    ),
    AlarmKind(
        "unsafe",
        _CRITICAL,
        "The watchdog could not bring an instrument to its safe state.",
        "The instrument may still pump, heat or move, and nobody controls it.",
        "Go to {subject} and make it safe by hand; then start the station again",
    ),
    AlarmKind(
        "watchdog",
        _CRITICAL,
        "The watchdog ended a silent station and made the instruments safe in its place.",
        "What was running was cut off: samples may be spoilt, jobs may be in doubt.",
        "Look at the bench, at station.log and at watchdog.log; then: athanor alarms ack watchdog",
        is_renewed=True,
    ),
    AlarmKind(
        "station_silent",
        _CRITICAL,
        "The process that holds the instruments' lines is gone or gives no sign of life.",
        "Nothing is sent to any instrument, and interlocks are not watched.",
        "If athanor run is still there, it starts a station by itself; if it cannot, station.log "
        "in DATABASE.station/ (folder of rig {subject}) says why. If it is gone: athanor run "
        "CAMPAIGN --rig RIG --resume, or, where no campaign waits: athanor station RIG",
        on_delay_s=15.0,
        off_delay_s=15.0,
    ),
    AlarmKind(
        "in_doubt",
        _HIGH,
        "A job was sent and nobody knows whether it happened.",
        "Its sample waits where it is, and its instrument and places with it.",
        "Look at the bench; athanor doubt list shows the evidence; then: "
        'athanor doubt answer {subject} ran|did_not_run|scrap_sample --reason "..."',
        on_delay_s=5.0,
        is_of_campaign=True,
    ),
    AlarmKind(
        "held",
        _HIGH,
        "A campaign was held though nobody asked.",
        "Its samples wait where they are; waiting alone changes nothing.",
        "Put right what the message says; then: athanor resume {subject}",
        is_renewed=True,
        is_of_campaign=True,
    ),
    AlarmKind(
        "failures",
        _HIGH,
        "Several experiments in a row failed.",
        "No other experiment is started.",
        "athanor report {subject} shows what failed; put it right; then: athanor resume {subject}",
        is_of_campaign=True,
    ),
    AlarmKind(
        "planner_failed",
        _HIGH,
        "The planner broke.",
        "No other experiment is started.",
        "Read the message; then: athanor resume {subject}",
        is_of_campaign=True,
    ),
    AlarmKind(
        "approval",
        _HIGH,
        "Candidates wait for a person's approval.",
        "They are not made before.",
        "athanor candidates shows them; then: athanor approve ID, or athanor reject ID",
        is_of_campaign=True,
    ),
    AlarmKind(
        "manual_task",
        _HIGH,
        "A manual station has a task for a person.",
        "Its sample waits until the task is answered, or until its time is over.",
        "athanor tasks list shows it; do it; then: athanor tasks done TASK",
        is_of_campaign=True,
    ),
    AlarmKind(
        "stalled",
        _HIGH,
        "A campaign runs, and nothing has happened in it for longer than declared.",
        "The bench stands still, or a job hangs.",
        "athanor status {subject} shows what is running; look at that instrument",
        is_of_campaign=True,
    ),
    AlarmKind(
        "engine_silent",
        _HIGH,
        "A campaign should go on, and no engine drives it.",
        "Nothing is started; what was running has been made safe.",
        "athanor run CAMPAIGN --rig RIG --resume takes {subject} up where it was left",
        on_delay_s=30.0,
        off_delay_s=15.0,
        is_of_campaign=True,
    ),
    AlarmKind(
        "lost",
        _HIGH,
        "An instrument has not answered for longer than declared.",
        "Its jobs wait; samples stand where they are.",
        "Look at the power and the cable of {subject}; it is connected again by itself",
        off_delay_s=30.0,
    ),
    AlarmKind(
        "drift",
        _HIGH,
        "Reference samples do not give what they should.",
        "What is measured from now on may be wrong, and the model learns from it.",
        "athanor report {campaign} shows the reference samples; check the bench for {subject}",
        is_of_campaign=True,
    ),
    AlarmKind(
        "stock",
        _HIGH,
        "A stock runs out sooner than the rig file says a person must know.",
        "Samples that need it are not begun; a campaign that can make no other is held until there "
        "is enough again, and then goes on by itself.",
        "Refill it; then: athanor stock add {subject} --lot LOT --volume-ml N (--mass-g N for a "
        "powder). athanor stock list shows what there is",
    ),
    AlarmKind(
        "disk",
        _HIGH,
        "The disk of the log is nearly full.",
        "Once it is full nothing is sent to any instrument.",
        "Make room on the disk of {subject}",
        on_delay_s=10.0,
        off_delay_s=60.0,
    ),
    AlarmKind(
        "unreadable",
        _HIGH,
        "A stream of the log holds an event that cannot follow the others.",
        "Nobody watches that campaign for alarms.",
        "athanor audit verify says whether the log is whole; keep a copy and ask for help",
    ),
    AlarmKind(
        "webhook",
        _HIGH,
        "A webhook was switched off by itself: nothing was taken there for three days.",
        "Whoever listens there is told nothing any more, alarms among it.",
        "Look at the machine that listens; then an admin switches webhook {subject} on again, or "
        "removes it (page Admin)",
    ),
    AlarmKind(
        "waiting",
        _LOW,
        "A campaign has been paused or held on request for longer than declared.",
        "Nothing is started; an instrument that is ready stands idle.",
        "athanor resume {subject}, or athanor stop {subject}",
        is_of_campaign=True,
    ),
    AlarmKind(
        "unclean",
        _LOW,
        "A failed experiment left something in a place.",
        "No other sample may use that place; a campaign that needs it waits.",
        "Clean it; then: athanor places clean {subject}",
    ),
    AlarmKind(
        "calibration",
        _LOW,
        "An instrument has not been calibrated for longer than the rig file allows.",
        "Its readings may be wrong.",
        "Calibrate {subject}; then: athanor calibrated {subject}",
    ),
    AlarmKind(
        "out_of_service",
        _LOW,
        "A person took an instrument out of service longer ago than declared.",
        "Its jobs wait, or go to an equal instrument.",
        "athanor instruments back {subject} once it is in order",
    ),
)
"""Every kind of alarm, the most urgent first."""


def kind_of(alarm: str) -> AlarmKind | None:
    """Return the kind of an alarm by its name, or None if a later Athanor raised it.

    Example:
        >>> kind_of("lost/balance").severity
        <Severity.HIGH: 'high'>
    """
    return ALARM_KINDS.get(alarm.partition("/")[0])
