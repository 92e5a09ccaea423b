"""What is worth interrupting the operator for, without flooding the screen: at most three toasts, equal ones merged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Severity = Literal["information", "warning", "error"]
MAX_TOASTS = 3
TOAST_S = 6.0
BELL_EVERY_S = 30.0


@dataclass(frozen=True, slots=True)
class Toast:
    """One toast; `count` tells how often the same text came while it was shown. Ends at monotonic `until`."""

    text: str
    severity: Severity
    until: float
    count: int = 1

    @property
    def shown(self) -> str:
        return self.text if self.count == 1 else f"{self.text}  (x{self.count})"


class ToastLimiter:
    """Keeps the toasts now in sight. `add` returns what should be shown, oldest first."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._toasts: list[Toast] = []
        self._rang_at = float("-inf")

    def add(self, text: str, severity: Severity) -> tuple[Toast, ...]:
        now = self._monotonic()
        alive = [toast for toast in self._toasts if toast.until > now]
        same = next((toast for toast in alive if (toast.text, toast.severity) == (text, severity)), None)
        count = 1 if same is None else same.count + 1
        alive = [toast for toast in alive if toast is not same]
        alive.append(Toast(text, severity, now + TOAST_S, count))
        self._toasts = alive[-MAX_TOASTS:]
        return tuple(self._toasts)

    def left_s(self, toast: Toast) -> float:
        return max(0.1, toast.until - self._monotonic())

    def may_ring(self) -> bool:
        """Whether the bell may ring now: at most once in 30 s. Asking counts as ringing."""
        now = self._monotonic()
        if now - self._rang_at < BELL_EVERY_S:
            return False
        self._rang_at = now
        return True
