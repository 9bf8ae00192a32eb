"""Public numbers of a snapshot: prices, scenarios, lot values. Floats end in `pricing`."""

from zkmargin.risk.table import (
    BookRisk,
    Pnl,
    RiskTable,
    RiskUnit,
    Tolerance,
    build_risk_table,
    compare,
    differences,
)
from zkmargin.risk.tiers import haircut_schedule

__all__ = [
    "BookRisk",
    "Pnl",
    "RiskTable",
    "RiskUnit",
    "Tolerance",
    "build_risk_table",
    "compare",
    "differences",
    "haircut_schedule",
]
