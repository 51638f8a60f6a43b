"""Whether the API is up."""

from __future__ import annotations

from fastapi import APIRouter

from modelcote.control.views.models import Health

router = APIRouter(tags=["health"])


@router.get("/healthz")
def health() -> Health:
    """Answer while the function runs; no other service is called."""
    return Health(status="ok")
