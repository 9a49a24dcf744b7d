"""Checks: what may ail a run, each with its symptom, its likely cause and what to do. Healthy runs pass them all."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Callable, Iterator, Sequence

from mae_core.recipes import (
    FinetuneRecipe,
    ImportRecipe,
    LinearProbeRecipe,
    LogisticRegressionRecipe,
    PretrainRecipe,
    visible_tokens,
)
from reports.doctor import condition
from reports.doctor.features import effective_rank
from reports.doctor.finding import Finding
from reports.doctor.learning import constant, course
from reports.doctor.patient import WEIGHTS, Patient
from reports.figures.panels import NAME as PANELS

NOT_LEARNT = 0.95  # share of the trivial predictor's loss
NOT_LEARNT_BY_VIEWS = 0.9  # where that is estimated from a few views, to some per cent; healthy runs stay below 0.8
AS_IT_BEGAN = 0.98  # share of a loss that it began with
NOT_THEIR_LABELS = "labels that do not belong to the images."
FLAT = 0.02  # of the originals' variance
TINY = 1e-4  # variance of the target, in the units of normalised pixels
COLLAPSED = 1.5  # effective rank
SPIKE = 1.5  # times the lowest loss before it
NOISE = 10  # standard deviations from row to row, which batches alone do not span in some hundred rows
SMOOTHED = 30  # a row is the median of this part of the journal, where noise is not to be seen
SHORT_WARMUP = 0.03  # of the schedule; the paper's is 0.05
OFF_RULE = 0.05  # of the rate that the linear rule gives


def examine(patient: Patient, *, weights: bool = True) -> list[Finding]:
    """All findings; none of a healthy run. Without `weights`, only what tells without looking at them."""
    checks = (check for check in CHECKS if weights or check not in OF_WEIGHTS)
    return [finding for check in checks for finding in check(patient)]


def damaged(patient: Patient) -> Iterator[Finding]:
    """Files of the run cannot be read."""
    if names := _unreadable(patient):
        yield condition.damaged(names)


def altered(patient: Patient) -> Iterator[Finding]:
    """Files of the run can be read, but are not what was recorded of them."""
    known = _unreadable(patient)
    if names := [name for name in condition.altered(patient.run) if name not in known]:
        yield condition.damaged(names)


def _unreadable(patient: Patient) -> list[str]:
    names = condition.unreadable(patient.run) + condition.unreadable_journal(patient.run)
    if patient.folder is None:
        return names
    read = {PANELS: patient.panels if patient.encoder else (), WEIGHTS: patient.tensors}
    there = [name for name, content in read.items() if content is None and (patient.folder / name).is_file()]
    return names + [f"{patient.folder.name}/{name}" for name in there]


def ended_badly(patient: Patient) -> Iterator[Finding]:
    """The run failed or its loss diverged."""
    state = patient.run.status
    reason = (str(patient.record.get("reason") or "no reason recorded").splitlines() or [""])[0]
    if state == "diverged":
        yield Finding(
            f"The loss diverged: {reason}.",
            "a learning rate that is too high, a warm-up that is too short, or damaged images.",
            "halve base_lr, or lengthen warmup_epochs; in bfloat16 try dtype float32.",
        )
    elif state == "failed":
        yield Finding(
            f"The run failed: {reason}.",
            "what the reason says; `python -m ablations.logs CELL` shows the whole trace.",
            "mend it, then launch again: what is finished is not done twice.",
        )


def plateau(patient: Patient) -> Iterator[Finding]:
    """The model guesses no better than a constant: on the panels' images, else by the end of its journal."""
    guesses, gone = patient.guesses, course(patient)
    if guesses is not None and guesses.trivial >= TINY and guesses.loss >= NOT_LEARNT * guesses.trivial:
        predictor = "zero" if guesses.normal else "the mean colour of the data"
        loss, trivial, where = guesses.loss, guesses.trivial, "on the panels' images"
    elif gone is not None and gone.last <= AS_IT_BEGAN * gone.first and (guess := constant(patient)) is not None:
        (predictor, trivial), loss, where = guess, gone.last, "over the last tenth of its journal"
        if trivial < TINY or loss < NOT_LEARNT_BY_VIEWS * trivial:
            return
    else:
        return
    yield Finding(
        f"The loss stands at a trivial predictor: {loss:.3f} {where}, {predictor} scores {trivial:.3f}.",
        "too few steps, or a learning rate far off: nothing has been learnt yet.",
        "train longer, or search base_lr with `python -m sweeps.run` on held-out train images.",
    )


def flat_patches(patient: Patient) -> Iterator[Finding]:
    """The model guesses the brightness of patches and nothing within them."""
    guesses = patient.guesses
    if guesses is None or guesses.loss >= NOT_LEARNT * guesses.trivial:
        return
    own = guesses.variance(guesses.images)
    if own > TINY and guesses.variance(guesses.guessed) < FLAT * own:
        yield Finding(
            "The guesses are flat: each hidden patch has one colour, as if only patch means were learnt.",
            "a plateau at the patch mean: training ended too early, or the decoder is too narrow for a patch.",
            "train longer, or raise decoder_embed_dim.",
        )


def same_guess(patient: Patient) -> Iterator[Finding]:
    """The model draws the same picture whatever it sees."""
    guesses = patient.guesses
    if guesses is None or guesses.loss >= NOT_LEARNT * guesses.trivial:
        return
    between = guesses.spread(guesses.images)
    if between > TINY and guesses.spread(guesses.guessed) < FLAT * between:
        yield Finding(
            "The guesses are the same for all images.",
            "the encoder's features do not reach the decoder, or carry nothing of the image.",
            "look at the panels; check that the decoder is fed visible tokens at their places, and lower base_lr.",
        )


def collapsed_features(patient: Patient) -> Iterator[Finding]:
    """All patches and images have about the same features."""
    rank = effective_rank(patient)
    if rank is not None and rank < COLLAPSED:
        yield Finding(
            f"The encoder's features have collapsed: their effective rank is {rank:.2f}.",
            "a learning rate that is too high, or a weight decay that outweighs the loss.",
            "lower base_lr or weight_decay; probes of such an encoder are at chance.",
        )


def constant_masks(patient: Patient) -> Iterator[Finding]:
    """Every image is hidden at the same places, or in another share than asked for."""
    recipe, panels = patient.recipe, patient.panels
    if not isinstance(recipe, PretrainRecipe) or panels is None or len(panels.hidden) < 2:
        return
    if recipe.mask_sampling != "grid" and (panels.hidden == panels.hidden[0]).all():
        yield Finding(
            "The masks are constant: every image of the panels is hidden at the same places.",
            "masks drawn once, or from one seed for every sample.",
            "draw masks by (seed, epoch, sample) as `mae_core.model.masking` does.",
        )
    asked = 1 - visible_tokens(recipe.num_patches, recipe.mask_ratio) / recipe.num_patches
    share = float(panels.hidden.mean())
    if abs(share - asked) > 1.5 / recipe.num_patches:
        yield Finding(
            f"{share:.0%} of the patches are hidden, {asked:.0%} should be.",
            "a masking that does not follow the recipe's mask_ratio.",
            "check the masking with `python -m pytest tests/mae_core/model`.",
        )


def target_without_variance(patient: Patient) -> Iterator[Finding]:
    """There is nothing to predict."""
    panels = patient.panels
    if panels is not None and float(panels.originals.var()) < TINY:
        yield Finding(
            "The target has no variance: the test images are all one colour.",
            "images that could not be decoded, a wrong number of channels, or a wrong normalisation.",
            "look at the originals in the panels and at the data folder.",
        )


def decoder_missing(patient: Patient) -> Iterator[Finding]:
    """The weights hold an encoder alone."""
    names = patient.tensors if isinstance(patient.recipe, PretrainRecipe | ImportRecipe) else None
    if names and not any("decoder" in name for name in names):
        yield Finding(
            "The weights have no decoder.",
            "an encoder-only checkpoint, as most downloads are.",
            "fine-tune or probe it; for reconstructions use a checkpoint with its decoder (`*_full`, `*_visualize`).",
        )


def warmup(patient: Patient) -> Iterator[Finding]:
    """The loss jumps early: the rate rose too fast, or too high."""
    recipe, losses = patient.recipe, [float(row["loss"]) for row in patient.journal]
    if not isinstance(recipe, PretrainRecipe | FinetuneRecipe) or len(losses) < 10 or min(losses) <= 0:
        return
    width = max(1, len(losses) // SMOOTHED)
    smooth = [statistics.median(losses[at : at + width]) for at in range(len(losses) - width + 1)]
    row_by_row, jump = _jump(losses), _jump(smooth)
    if row_by_row >= max(SPIKE, math.exp(NOISE * _noise(losses))):
        jump = row_by_row
    if jump < SPIKE:
        return
    short = recipe.warmup_epochs < SHORT_WARMUP * recipe.epochs
    yield Finding(
        f"The loss jumped to {jump:.1f} times what it had been.",
        f"a warm-up that is too short ({recipe.warmup_epochs:g} of {recipe.epochs} epochs)."
        if short
        else "a learning rate that is too high for this batch size, or a few odd images.",
        "give warmup_epochs 5 to 10 % of the schedule." if short else "lower base_lr.",
    )


def _jump(losses: Sequence[float]) -> float:
    """The most that a loss is of the lowest before it."""
    return max(loss / low for low, loss in zip(itertools.accumulate(losses, min), losses, strict=True))


def _noise(losses: Sequence[float]) -> float:
    """The standard deviation of the losses' logarithms from row to row, whatever a few rows do."""
    steps = [abs(math.log(b / a)) for a, b in itertools.pairwise(losses)]
    return 1.4826 * statistics.median(steps) / math.sqrt(2)  # of a normal distribution's median step


def linear_rule(patient: Patient) -> Iterator[Finding]:
    """The journal's highest rate is not base_lr × batch_size / 256."""
    recipe, rates = patient.recipe, [float(row["lr"]) for row in patient.journal if "lr" in row]
    if not isinstance(recipe, PretrainRecipe | FinetuneRecipe) or len(rates) < 10:
        return
    rule, peak = recipe.base_lr * recipe.batch_size / 256, max(rates)
    step = max(abs(b - a) for a, b in itertools.pairwise(rates))  # rows are apart: the peak may lie between two
    if peak > rule * (1 + OFF_RULE) or (patient.run.status == "done" and peak + step < rule * (1 - OFF_RULE)):
        yield Finding(
            f"The learning rate is off the linear rule: its peak was {peak:.3g}, base_lr × batch_size / 256 is "
            f"{rule:.3g}.",
            "a rate given as absolute where base_lr is meant, or scaled by the batch of one process instead of all.",
            "give base_lr, and batch_size as the effective batch over all processes and accumulation.",
        )


def nothing_learnt(patient: Patient) -> Iterator[Finding]:
    """The loss is where it began, at the end of a run or well after its warm-up."""
    gone = course(patient)
    if gone is None or gone.last <= AS_IT_BEGAN * gone.first:
        return
    pretrained = isinstance(patient.recipe, PretrainRecipe)
    yield Finding(
        f"Nothing was learnt: the loss went from {gone.first:.3f} to {gone.last:.3f}.",
        "a learning rate far off, or " + ("images that are all alike." if pretrained else NOT_THEIR_LABELS),
        "search base_lr with `python -m sweeps.run`, and "
        + ("look at a few images." if pretrained else "check a few labels."),
    )


def edge_of_the_grid(patient: Patient) -> Iterator[Finding]:
    """What was chosen is the last of what was offered."""
    recipe, metrics = patient.recipe, patient.record.get("metrics", {})
    if isinstance(recipe, LinearProbeRecipe):
        name, offered, chosen = "base_lrs", recipe.base_lrs, metrics.get("best_base_lr")
    elif isinstance(recipe, LogisticRegressionRecipe):
        name, offered, chosen = "penalties", recipe.penalties, metrics.get("C")
    else:
        return
    if chosen is not None and len(offered) > 2 and any(math.isclose(chosen, end) for end in (offered[0], offered[-1])):
        yield Finding(
            f"The best of {name} is the edge of its grid, {chosen:g}.",
            "a grid that ends before the best value.",
            f"widen {name} beyond {chosen:g} in the scale.",
        )


Check = Callable[[Patient], Iterator[Finding]]
CHECKS: tuple[Check, ...] = (
    damaged,
    altered,
    ended_badly,
    plateau,
    flat_patches,
    same_guess,
    collapsed_features,
    constant_masks,
    target_without_variance,
    decoder_missing,
    warmup,
    linear_rule,
    nothing_learnt,
    edge_of_the_grid,
)
OF_WEIGHTS: tuple[Check, ...] = (altered, collapsed_features, decoder_missing)
