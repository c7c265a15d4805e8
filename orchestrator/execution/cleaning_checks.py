"""What can be wrong with the jobs of a recipe that clean places, found all at once."""

from collections.abc import Iterator, Sequence
from typing import Final

from campaigns.errors import Problem
from campaigns.recipe import Recipe, RecipeJob
from campaigns.spec import CampaignSpec
from orchestrator.execution.mistakes import one_of
from orchestrator.execution.rig_spec import RigSpec

__all__ = ["cleaning_problems"]

_ELEMENTS: Final = (
    "H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As "
    "Se Br Kr Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu "
    "Gd Tb Dy Ho Er Tm Yb Lu Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U Np "
    "Pu Am Cm Bk Cf Es Fm Md No Lr Rf Db Sg Bh Hs Mt Ds Rg Cn Nh Fl Mc Lv Ts Og"
)
"""Symbols, with spaces between: a rule of the rig may be about what other campaigns are made of."""


def cleaning_problems(
    campaign: CampaignSpec, recipe: Recipe, rig: RigSpec, jobs: Sequence[RecipeJob]
) -> Iterator[Problem]:
    """Yield every mistake of jobs that clean a place for their sample.

    Args:
        campaign: Sound in itself.
        recipe: The campaign's.
        rig: Sound in itself.
        jobs: All that the recipe stands for.
    """
    cleaning = [job for job in jobs if job.cleans]
    before = _before(jobs)
    for job in cleaning:
        where = f"recipe.job[{job.template_index}] ({recipe.jobs[job.template_index].name}).cleans"
        if not campaign.space.components:
            expected = "no such key: the space has no composition that could be judged"
            yield Problem(where, job.cleans, expected)
        known = rig.positions.get(job.cleans)
        if known is not None and known.slots > 1:
            expected = "a position with one slot: nobody knows which of several was cleaned"
            yield Problem(where, job.cleans, expected)
        yield from _order_problems(job, where, jobs, before)
    if cleaning:
        yield from _name_problems(campaign, rig)


def _order_problems(
    job: RecipeJob, where: str, jobs: Sequence[RecipeJob], before: dict[str, set[str]]
) -> Iterator[Problem]:
    """Between the cleaning and the sample's coming there is room for nothing else."""
    place = job.cleans
    users = [one for one in jobs if place in one.positions and one.cleans != place]
    if all(one.is_cleanup for one in users):
        yield Problem(where, place, "a position that a later job of the recipe uses")
    for one in users:
        if job.name not in before[one.name]:
            got = f"{place}, which {one.name} uses"
            yield Problem(where, got, f"a job that {one.name} comes after")
    for one in jobs:
        if job.name in one.after and place not in one.positions:
            got = f"{place}, with {one.name} after it"
            yield Problem(where, got, f"only jobs right after it that use {place}")


def _name_problems(campaign: CampaignSpec, rig: RigSpec) -> Iterator[Problem]:
    """A rule with a name that nothing has would let traces pass."""
    known = {*campaign.space.components, *rig.stock}
    for index, rule in enumerate(rig.contamination):
        for name in sorted({*rule.of} - known - {*_ELEMENTS.split()}):
            expected = f"{one_of(known, name)}, or the symbol of an element"
            yield Problem(f"{rig.header.name}: contamination[{index}].of", name, expected)


def _before(jobs: Sequence[RecipeJob]) -> dict[str, set[str]]:
    """Return what must be done before each job, by name, directly or not."""
    after = {job.name: job.after for job in jobs}
    found: dict[str, set[str]] = {}
    for job in jobs:
        seen: set[str] = set()
        pending = list(job.after)
        while pending:
            name = pending.pop()
            if name not in seen:
                seen.add(name)
                pending += after.get(name, ())
        found[job.name] = seen
    return found
