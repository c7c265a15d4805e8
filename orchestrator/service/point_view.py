"""A point as people read it and as they give it: asked against made, and the fields of a form."""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from campaigns.space import Parameter, RangeParameter
from campaigns.spec import CampaignSpec
from orchestrator.service.labels import label_from_name
from orchestrator.service.views import ExperimentView

__all__ = ["InputField", "InputLine", "differences_of", "input_fields"]

_MOST_LISTED = 50


class InputLine(BaseModel):
    """One component or parameter of an experiment."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    asked: float | str
    made: float | str | None
    """None before it was made."""

    @property
    def difference(self) -> float | None:
        """Made minus asked; None where there is no such number."""
        if self.made is None or isinstance(self.made, str) or isinstance(self.asked, str):
            return None
        return self.made - self.asked


class InputField(BaseModel):
    """How a person gives one component or parameter in a form."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    is_component: bool
    hint: str
    """What is allowed, in words."""
    step: str
    """Of a number; ``any`` where the allowed values are a list."""
    low: str
    high: str
    choices: tuple[str, ...]
    """All that is allowed, if it is a short list; empty otherwise."""


def differences_of(experiment: ExperimentView, names: Sequence[str]) -> tuple[InputLine, ...]:
    """Return what was asked and what was made of each component and parameter.

    Args:
        experiment: Which.
        names: Components and parameters in the order of the campaign's file.
    """
    return tuple(
        InputLine(name=name, asked=experiment.asked[name], made=experiment.made.get(name))
        for name in names
        if name in experiment.asked
    )


def input_fields(spec: CampaignSpec) -> tuple[InputField, ...]:
    """Return the fields by which a person gives a point.

    Args:
        spec: The campaign, with bounds and steps.
    """
    found = []
    composition = spec.space.composition
    if composition is not None:
        n_steps = composition.n_steps
        for name, (low, high) in zip(composition.names, composition.count_bounds, strict=True):
            ends = (f"{low / n_steps:.10g}", f"{high / n_steps:.10g}")
            found.append(
                InputField(
                    name=name,
                    is_component=True,
                    hint=f"{ends[0]} to {ends[1]} in steps of {composition.step}",
                    step=str(composition.step),
                    low=ends[0],
                    high=ends[1],
                    choices=(),
                )
            )
    return (*found, *map(_parameter_field, spec.space.parameters))


def _parameter_field(parameter: Parameter) -> InputField:
    levels = [str(level) for level in parameter.levels]
    is_short = len(levels) <= _MOST_LISTED
    step = parameter.step if isinstance(parameter, RangeParameter) else None
    _, _, unit = label_from_name(parameter.name).partition(" (")
    said = f"one of {len(levels)} values from {levels[0]} to {levels[-1]}"
    if step is not None:
        said = f"{levels[0]} to {levels[-1]} in steps of {step}"
    elif is_short:
        said = f"one of {', '.join(levels)}"
    return InputField(
        name=parameter.name,
        is_component=False,
        hint=f"{said} {unit.removesuffix(')')}".rstrip(),
        step="any" if step is None else str(step),
        low="" if step is None else levels[0],
        high="" if step is None else levels[-1],
        choices=tuple(levels) if is_short and step is None else (),
    )
