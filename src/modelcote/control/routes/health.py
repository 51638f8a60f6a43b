"""Whether the API is up."""

from __future__ import annotations

from fastapi import APIRouter

from modelcote.control.views.models import Health

router = APIRouter(tags=["health"])


@router.get("/healthz")
def health() -> Health:
    """Answers while the function runs; it asks nothing of any other service."""
    return Health(status="ok")
