"""All checks of the kit, and the loop that runs them."""

import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from drivers.conformance import ConformanceReport, Level, Outcome, Result
from simulators.conformance import manners, matter, trouble, wire
from simulators.conformance.examinee import Examinee
from simulators.conformance.replay import Replayed, replay
from simulators.conformance.scaffold import write_scaffold
from simulators.errors import CheckFailed, CheckSkipped

__all__ = ["CHECKS", "Check", "StandardKit", "try_check"]


def _the_driver(examinee: Examinee) -> list[str]:
    """Return the driver as the one subject."""
    return [examinee.driver_name]


def _each_action(examinee: Examinee) -> list[str]:
    """Return the names of the actions."""
    return list(examinee.driver.actions)


def _each_fault(examinee: Examinee) -> list[str]:
    """Return the kinds of faults."""
    del examinee
    return list(trouble.FAULTS_OF_THE_WIRE)


def _each_action_and_fault(examinee: Examinee) -> list[str]:
    """Return every pair of an action and a kind of fault."""
    return [f"{action}, {kind}" for action in examinee.driver.actions for kind in trouble.FAULTS]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that every driver is held against."""

    level: Level
    subjects: Callable[[Examinee], list[str]]
    """What it is checked on."""
    run: Callable[[Examinee, str], None]
    """Raises `CheckFailed` or `CheckSkipped`; anything else that flies out is a failure too."""

    @property
    def name(self) -> str:
        """What is checked, as a sentence without its subject."""
        return self.run.__name__.replace("_", " ")


CHECKS: tuple[Check, ...] = (
    Check(Level.BRONZE, _the_driver, manners.has_a_true_card),
    Check(Level.BRONZE, _each_action, manners.names_units_and_limits),
    Check(Level.BRONZE, _the_driver, manners.refuses_wrong_settings),
    Check(Level.BRONZE, _the_driver, manners.connecting_tells_and_moves_nothing),
    Check(Level.BRONZE, _the_driver, manners.stops_at_rest_and_twice),
    Check(Level.BRONZE, _each_action, manners.gives_its_readings_in_the_time_it_names),
    Check(Level.BRONZE, _each_action, manners.refuses_what_is_outside_its_limits),
    Check(Level.SILVER, _the_driver, trouble.reopens_its_line),
    Check(Level.SILVER, _each_action, trouble.a_closed_line_sends_nothing),
    Check(Level.SILVER, _each_action_and_fault, trouble.survives_a_fault),
    Check(Level.SILVER, _each_action, trouble.a_cable_that_falls_out_is_told),
    Check(Level.SILVER, _each_fault, trouble.speaks_the_truth_after_a_fault),
    Check(Level.SILVER, _the_driver, trouble.refuses_another_device),
    Check(Level.SILVER, _the_driver, trouble.tells_another_of_its_kind),
    Check(Level.SILVER, _the_driver, wire.takes_no_noise_for_an_error_of_ours),
    Check(Level.GOLD, _each_action, matter.stops_when_cut_off),
    Check(Level.GOLD, _each_action, matter.does_nothing_that_cannot_be_noted),
    Check(Level.GOLD, _each_action, matter.tells_what_it_did_after_a_crash),
    Check(Level.GOLD, _the_driver, wire.speaks_as_the_transcript),
    Check(Level.GOLD, _the_driver, wire.understands_the_transcript),
    Check(Level.GOLD, _the_driver, wire.refuses_frames_cut_short),
    Check(Level.GOLD, _the_driver, wire.the_pretend_device_follows_the_transcript),
)


def try_check(examinee: Examinee, check: Check, subject: str) -> Result:
    """Run one check on one subject and say how it ended."""
    outcome, detail = Outcome.PASSED, ""
    try:
        examinee.skip_unsuited(subject.partition(", ")[0])
        check.run(examinee, subject)
    except CheckSkipped as skipped:
        outcome, detail = Outcome.SKIPPED, str(skipped)
    except CheckFailed as failed:
        outcome, detail = Outcome.FAILED, str(failed)
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{where.filename}:{where.lineno}"
        outcome, detail = Outcome.FAILED, f"{type(error).__name__}: {error} ({place})"
    return Result(check.name, subject, check.level, outcome, detail)


class StandardKit:
    """The conformance kit, as the entry-point group ``athanor.conformance`` provides it."""

    @staticmethod
    def n_checks(driver: str, rig: Mapping[str, object] | None = None) -> int:
        """Return how many results `results` will give.

        Raises:
            RigError: As `results`.
        """
        examinee = Examinee(driver, rig)
        return sum(len(check.subjects(examinee)) for check in CHECKS)

    @staticmethod
    def results(driver: str, rig: Mapping[str, object] | None = None) -> Iterator[Result]:
        """Try a driver and tell each result as it comes; a card that is not true ends it.

        Args:
            driver: Its name in the entry points.
            rig: The structure of a rig file with an instrument of it, to be pretended; the
                example rig beside the driver if left out.

        Raises:
            RigError: There is no such driver, its card is wrong, or it is not on the rig.
        """
        examinee = Examinee(driver, rig)
        for check in CHECKS:
            for subject in check.subjects(examinee):
                result = try_check(examinee, check, subject)
                yield result
                if check.run is manners.has_a_true_card and result.outcome is Outcome.FAILED:
                    return  # nothing can be tried with a card that is not true

    @staticmethod
    def report(driver: str, results: tuple[Result, ...]) -> ConformanceReport:
        """Put the results of a driver together.

        Raises:
            RigError: There is no such driver, or its card is wrong.
        """
        one = Examinee(driver)
        return ConformanceReport(driver, one.driver.model, one.card.quality.level, results)

    @staticmethod
    def replayed(driver: str, recording: Path) -> Iterator[Replayed]:
        """Play a recording to a driver.

        Raises:
            RigError: There is no such driver, or the file is no recording.
        """
        return replay(Examinee(driver), recording)

    @staticmethod
    def scaffold(name: str, folder: Path) -> tuple[Path, ...]:
        """Write the beginning of a driver of one's own.

        Raises:
            RigError: The name is no name for a driver or is taken, or the folder is in the way.
        """
        return write_scaffold(name, folder)
