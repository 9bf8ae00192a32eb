"""The margin models that a policy can name, and what each of them takes.

A model is an entry here and a module of its name wherever it has something to say:

    inputs/models/   its parameters: read from policy.toml, checked, written as canonical JSON
    risk/            its public numbers, where they pass through floats
    circuits/        its rules: what is proven
    margin/          the exchange's own formula in floats, to explore and to hold beside what is proven
"""

from __future__ import annotations

from collections.abc import Mapping

from zkmargin.inputs.models.brackets import Brackets
from zkmargin.inputs.models.derive_pm2 import DerivePm2
from zkmargin.inputs.models.derive_srm import DeriveSrm
from zkmargin.inputs.models.historical import Historical
from zkmargin.inputs.models.kind import MarginModel, Parameters
from zkmargin.inputs.models.scenarios import PortfolioMargin
from zkmargin.inputs.models.sensitivities import Sensitivities

__all__ = ["MODELS", "MarginModel", "Parameters"]

MODELS: Mapping[str, MarginModel] = {
    model.name: model
    for model in (
        MarginModel("scenarios", trades=True, shocks=True, parameters=PortfolioMargin),
        MarginModel("collateral", pools=True),
        MarginModel("brackets", trades=True, parameters=Brackets),
        MarginModel("derive-pm2", trades=True, parameters=DerivePm2),
        MarginModel("derive-srm", trades=True, parameters=DeriveSrm),
        MarginModel("historical", trades=True, shocks=True, history=True, parameters=Historical),
        MarginModel("sensitivities", trades=True, shocks=True, parameters=Sensitivities),
    )
}
