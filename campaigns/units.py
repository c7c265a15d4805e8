"""Units as suffixes of names: what ``volume_ul`` is measured in."""

from typing import Final

__all__ = ["SUFFIXES", "unit_suffix"]

SUFFIXES: Final = frozenset(
    """
    a ma ua v mv ohm kohm w mw j kj mj hz khz mhz ghz
    c k s ms min h d
    nm um mm cm m
    ul ml l ul_per_min ul_per_s ml_per_min ml_per_s l_per_min
    ug mg g kg g_per_cm3 g_per_ml kg_per_m3 mg_per_ml mol mmol mol_per_l mmol_per_l m_per_s mm_per_s
    pa kpa mpa gpa bar mbar rpm k_per_s k_per_min c_per_s c_per_min
    a_per_cm2 ma_per_cm2 v_per_s mv_per_s mv_per_decade ohm_cm ohm_m s_per_cm ms_per_cm w_per_m_k
    ev mev ev_per_atom mev_per_atom deg rad fraction ppm counts
    usd usd_per_h usd_per_hour usd_per_kg usd_per_g usd_per_mol usd_per_ml usd_per_l usd_per_m2
    """.split()  # noqa: SIM905 - a table of words, not 80 quoted lines
)
"""Every suffix that counts as a unit. Names without one have no declared unit."""
_LONGEST: Final = max(suffix.count("_") for suffix in SUFFIXES) + 1


def unit_suffix(name: str) -> str | None:
    """Return the unit that a name ends in, the longest that fits; None if it has none.

    Example:
        >>> unit_suffix("rate_ul_per_min"), unit_suffix("volume_ul"), unit_suffix("x1")
        ('ul_per_min', 'ul', None)
        >>> unit_suffix("s") is None  # a unit follows a quantity
        True
    """
    parts = name.split("_")
    for length in range(min(_LONGEST, len(parts) - 1), 0, -1):
        suffix = "_".join(parts[-length:])
        if suffix in SUFFIXES:
            return suffix
    return None
