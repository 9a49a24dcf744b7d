"""Figure 7: longer pre-training helps, steadily and without saturation for linear probing up to 1600 epochs.

python -m ablations.run schedule
"""

from dataclasses import replace

from ablations.spec import Ablation, Case
from ablations.spec.claims import Better, Trend
from mae_core.recipes import BASELINE

PAPER = {100: (82.3, 57.3), 200: (83.3, 64.4), 400: (84.3, 69.7), 800: (84.9, 73.5), 1600: (85.1, 75.1)}

ABLATION = Ablation(
    name="schedule",
    title="Training schedule",
    source="Figure 7",
    axis="pre-training epochs",
    default="800",
    figure="curves",
    cases=tuple(
        Case(
            key=str(epochs),
            label=f"{epochs} epochs",
            recipe=replace(BASELINE, epochs=epochs),
            paper={"finetune": finetune, "linear_probe": linear_probe},
        )
        for epochs, (finetune, linear_probe) in PAPER.items()
    ),
    claims=(
        Trend("finetune", "fine-tuning gains with each doubling of the schedule"),
        Trend("linear_probe", "linear probing gains with each doubling of the schedule"),
        Better("finetune", "800", "100", "fine-tuning gains from a long schedule"),
        Better("linear_probe", "1600", "800", "linear probing is not saturated at 800 epochs"),
    ),
)
