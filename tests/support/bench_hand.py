"""Runs experiments on a pretend bench through the real drivers, job by job, as a hand would."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from typing import Any

from drivers.clock import VirtualClock
from drivers.instrument import Instrument
from orchestrator.execution.analyses import ReadingValue, SampleRecord, StockFacts
from simulators.bench import Bench


@dataclass(slots=True)
class BenchHand:
    """A bench whose lines are open and whose instruments are connected."""

    rig: Mapping[str, Any]
    bench: Bench
    instruments: dict[str, Instrument]
    readings: dict[str, dict[str, ReadingValue]] = field(default_factory=dict)

    @classmethod
    async def connected(
        cls, rig: Mapping[str, Any], clock: VirtualClock, *, seed: int
    ) -> "BenchHand":
        """Build the bench of a rig, open its lines and connect its instruments."""
        bench = Bench.from_rig(rig, clock, seed=seed)
        drivers = {point.name: point.load() for point in entry_points(group="athanor.drivers")}
        instruments: dict[str, Instrument] = {}
        for line in rig["lines"]:
            await bench.line(line).open()
        for name, spec in rig["instruments"].items():
            line = bench.line(spec["line"])
            driver = drivers[spec["driver"]]
            instruments[name] = driver.from_settings(name, line, clock, spec["settings"])
            await instruments[name].connect()
        return cls(rig, bench, instruments)

    async def do(self, job: str, instrument: str, action: str, **arguments: float) -> None:
        """Perform one job and keep its readings."""
        readings = await self.instruments[instrument].perform(action, arguments)
        self.readings[job] = {reading.name: reading.value for reading in readings}

    async def dose(self, fractions: Mapping[str, float]) -> None:
        """Tare, dose 2 ml in all and weigh after each dose, and move it all to the cell."""
        self.readings = {}
        await self.do("tare", "balance", "tare")
        for component, fraction in fractions.items():
            volume_ul = 2000.0 * fraction
            pump = f"pump_{component}"
            await self.do(
                f"dispense_{component}", pump, "transfer", volume_ul=volume_ul, rate_ul_per_min=2000
            )
            await self.do(f"weigh_{component}", "balance", "measure_mass")
        await self.do(
            "fill_cell", "pump_transfer", "transfer", volume_ul=2200, rate_ul_per_min=4000
        )

    async def drain(self) -> None:
        """Empty the cell."""
        await self.do("drain_cell", "pump_waste", "transfer", volume_ul=2600, rate_ul_per_min=4000)

    def sample(self, fractions: Mapping[str, float]) -> SampleRecord:
        """Return what is known of the sample at hand."""
        stock = {
            name: StockFacts(table["concentration_mol_per_l"], table["density_g_per_ml"])
            for name, table in self.rig["stock"].items()
        }
        components = tuple(self.rig["stock"])
        point = {name: fractions.get(name, 0.0) for name in components}
        return SampleRecord(point, components, dict(self.readings), stock)

    async def close(self) -> None:
        """Close every line."""
        for line in self.rig["lines"]:
            await self.bench.line(line).close()
