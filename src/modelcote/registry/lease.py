"""The lease that keeps engine runs one at a time, whoever starts them."""

from __future__ import annotations

import time

from modelcote.registry.table import ConditionFailed, Table

_KEY = ("LEASE", "deploy")


class Lease:
    """The part of the registry that says who deploys."""

    table: Table

    def take_lease(self, owner: str, seconds: int) -> bool:
        """Takes the lease, or prolongs one's own; False while another owner's has not run out."""
        at = time.time()
        try:
            self.table.put(
                {"pk": _KEY[0], "sk": _KEY[1], "owner": owner, "until_s": at + seconds},
                "attribute_not_exists(#pk) OR #owner = :owner OR #until_s < :at",
                owner=owner,
                at=at,
            )
        except ConditionFailed:
            return False
        return True

    def release_lease(self, owner: str) -> None:
        """Gives the lease back; another owner's is left alone."""
        try:
            self.table.delete(_KEY, "#owner = :owner", owner=owner)
        except ConditionFailed:
            return
