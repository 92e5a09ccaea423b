"""Amounts per share as text."""

from __future__ import annotations

from core.domain.operation.amounts import credit as per_share

__all__ = ["per_share"]
