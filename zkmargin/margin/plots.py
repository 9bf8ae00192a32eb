"""Plots for quants; needs matplotlib, the optional extra `zkmargin[plots]`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zkmargin.errors import UsageError
from zkmargin.margin.explore import Explored, Floats

GAIN, LOSS, BINDING = "tab:green", "tab:gray", "tab:red"


def plot_scenario_losses(found: Explored, portfolio: int = 0, axes: Any = None) -> Any:
    """Draw one portfolio's loss in every scenario, a panel per risk unit that it has; return the figure.

    Losses point up; the scenario that binds is red, a short-option minimum that binds is a dashed line.
    `axes`: one per panel, or None for a new figure. Raise UsageError without matplotlib.
    """
    exposed = [u for u in range(len(found.units)) if found.losses[portfolio, u].any()] or [0]
    figure, panels = _panels(len(exposed), axes)
    worst = found.losses.argmax(axis=2)[portfolio]
    for u, panel in zip(exposed, panels, strict=True):
        losses = found.losses[portfolio, u]
        colours = [LOSS if loss > 0 else GAIN for loss in losses]
        if found.binding[portfolio, u] == found.scenarios[worst[u]]:
            colours[worst[u]] = BINDING
        panel.bar(range(len(losses)), losses, color=colours)
        panel.set_xticks(range(len(losses)), found.scenarios, rotation=90)
        panel.axhline(0, color="black", linewidth=0.8)
        if found.minimum[portfolio, u] > losses.max():
            panel.axhline(found.minimum[portfolio, u], color=BINDING, linestyle="--")
        panel.set_title(f"{found.units[u]}: {found.unit_requirement[portfolio, u]:,.2f}")
        panel.set_ylabel("loss in quote")
    return figure


def plot_ladder(
    moves: Sequence[float], equity: Floats, requirement: Floats, portfolio: int = 0, axes: Any = None
) -> Any:
    """Draw equity and requirement of one portfolio against the price move (`whatif.ladder`); return the
    figure.

    The account is unhealthy where the lines have crossed. Raise UsageError without matplotlib.
    """
    figure, (panel,) = _panels(1, None if axes is None else [axes])
    percent = [100 * move for move in moves]
    panel.plot(percent, equity[:, portfolio], label="equity", color=GAIN)
    panel.plot(percent, requirement[:, portfolio], label="maintenance requirement", color=BINDING)
    panel.set_xlabel("price move in %")
    panel.set_ylabel("quote")
    panel.legend()
    return figure


def _panels(count: int, axes: Any) -> tuple[Any, list[Any]]:
    if axes is not None:
        return axes[0].figure, list(axes)
    try:
        from matplotlib import pyplot  # noqa: PLC0415 - optional
    except ImportError:
        raise UsageError(
            "plots", "plots need matplotlib", hint='install the extra: pip install "zkmargin[plots]"'
        ) from None
    figure, grid = pyplot.subplots(1, count, figsize=(7 * count, 4), squeeze=False, layout="constrained")
    return figure, list(grid[0])
