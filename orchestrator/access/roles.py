"""What somebody may do: scopes, the roles that bundle them, and who asks."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

__all__ = ["ROLE_SCOPES", "Principal", "Role", "Scope", "local_person"]


class Scope(StrEnum):
    """One kind of thing that may be done."""

    READ = "read"
    """Look at everything but accounts."""
    RESULTS = "results"
    """Give, amend and retract what was measured."""
    CONTROL = "control"
    """Act on campaigns, candidates, doubts, alarms and instruments."""
    ADMINISTER = "administer"
    """Accounts, tokens and webhooks."""


class Role(StrEnum):
    """What an account is for."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"

    @property
    def scopes(self) -> frozenset[Scope]:
        """All that the role may do."""
        return ROLE_SCOPES[self]


ROLE_SCOPES: Final = {
    Role.VIEWER: frozenset({Scope.READ}),
    Role.OPERATOR: frozenset({Scope.READ, Scope.RESULTS, Scope.CONTROL}),
    Role.ADMIN: frozenset(Scope),
}


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks, and what they may do."""

    name: str
    """As it stands in the log."""
    role: Role
    scopes: frozenset[Scope]
    """Those of the role, or fewer if a token says so."""
    via: Literal["session", "token", "terminal"]

    def may(self, scope: Scope) -> bool:
        """Tell whether this is allowed.

        Example:
            >>> local_person("ada").may(Scope.CONTROL)
            True
        """
        return scope in self.scopes

    @classmethod
    def of_role(
        cls,
        name: str,
        role: Role,
        via: Literal["session", "token", "terminal"],
        only: Iterable[Scope] | None = None,
    ) -> "Principal":
        """Return somebody with a role.

        Args:
            name: As it stands in the log.
            role: What the account is for.
            via: How it was shown who asks.
            only: At most these scopes; None leaves the role's.
        """
        scopes = role.scopes if only is None else role.scopes & frozenset(only)
        return cls(name, role, scopes, via)


def local_person(name: str) -> Principal:
    """Return who sits at a terminal of this machine and can read the log: they may do everything.

    Args:
        name: As it stands in the log.
    """
    return Principal.of_role(name, Role.ADMIN, "terminal")
