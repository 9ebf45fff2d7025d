"""Projection heads: two symmetric MLPs, or a ridge regression, into one shared space."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from core.alignment.config import CLOSED_FORM_OBJECTIVES, TEMPERATURE_RANGE, AlignmentConfig
from core.errors import EarshotError

Modality = Literal["code", "audio"]

RIDGE_DEVIATION_FLOOR = 0.5
CONSTANT_COLUMN_TOLERANCE = 1e-6
"""A column whose deviation is below this share of the typical one is constant."""
COLUMN_BLOCK = 128
KERNEL_BLOCK_ROWS = 4096
"""Rows of a kernel that are computed at once: 100 MB with 6,000 reference programs."""


class Standardiser(nn.Module):
    """Scale inputs to mean 0 and variance 1, as measured on the training rows.

    Parameters
    ----------
    input_dim : int
        Size of an embedding. Before `fit`, rows are not changed, except that
        `whitening_components` selects columns.
    whitening_components : int
        0 scales each column. Otherwise rows are first rotated to this many principal directions,
        or fewer if the training rows vary in fewer directions.
    deviation_floor : float
        Added to the deviation of each column, as a share of the typical deviation: otherwise a
        column that rarely varies in training would be scaled up a hundredfold where it does.
    """

    # Buffers are saved in heads.safetensors under these names.
    mean: Tensor
    scale: Tensor
    directions: Tensor

    def __init__(self, input_dim: int, whitening_components: int = 0, deviation_floor: float = 0.0):
        super().__init__()
        self.whitening_components = min(whitening_components, input_dim)
        self.deviation_floor = deviation_floor
        self.output_dim = self.whitening_components or input_dim
        self.register_buffer("mean", torch.zeros(input_dim))
        self.register_buffer("scale", torch.ones(self.output_dim))
        if self.whitening_components:
            self.register_buffer("directions", torch.eye(input_dim, self.whitening_components))

    def fit_mean_and_scale(self, x: Tensor, per_column: bool = True) -> None:
        """Measure the mean and the scale of training rows.

        Parameters
        ----------
        x : Tensor, float [n, input_dim]
            A constant column is only shifted.
        per_column : bool
            Whether each column has a scale of its own; otherwise all have one. The mean is
            subtracted in both cases: if all embeddings point in almost the same direction,
            BatchNorm's running mean would lag behind by more than their differences.
        """
        mean, deviation = _measure_columns(x)
        self.mean.copy_(mean)
        if self.whitening_components:
            x = x.double() - mean
            _, eigenvectors = torch.linalg.eigh(x.T @ x)  # ascending
            self.directions.copy_(eigenvectors.flip(1)[:, : self.whitening_components])
            _, deviation = _measure_columns(x @ self.directions.double())  # [output_dim]
        typical = deviation.square().mean().sqrt()
        is_constant = deviation <= CONSTANT_COLUMN_TOLERANCE * typical
        # A principal direction without variance is noise, so it is scaled to 0.
        constant_scale = torch.full_like(deviation, torch.inf if self.whitening_components else 1.0)
        if not (per_column or self.whitening_components):
            deviation = typical.expand_as(deviation)
            typical_mean = self.mean.double().square().mean().sqrt()
            is_constant = deviation <= CONSTANT_COLUMN_TOLERANCE * typical_mean
        scale = torch.where(is_constant, constant_scale, deviation)
        self.scale.copy_(scale + self.deviation_floor * typical)

    def forward(self, x: Tensor) -> Tensor:
        """Standardise rows [n, input_dim] to [n, output_dim]."""
        x = x - self.mean
        if self.whitening_components:
            x = x @ self.directions
        return x / self.scale


def _measure_columns(x: Tensor) -> tuple[Tensor, Tensor]:
    """Compute mean and deviation of the columns of x [n, d]: float64 [d] each.

    A copy of all rows in float64 would take twice the memory of the rows, so columns are converted
    in blocks; the results are the same.
    """
    means, deviations = [], []
    for block in x.split(COLUMN_BLOCK, dim=1):
        columns = block.double()
        means.append(columns.mean(dim=0))
        deviations.append(columns.std(dim=0, correction=0))
    return torch.cat(means), torch.cat(deviations)


def build_projection_head(input_dim: int, config: AlignmentConfig) -> nn.Sequential:
    """Build one MLP: (linear, BatchNorm, GELU, dropout) repeated, and a last linear layer.

    Parameters
    ----------
    input_dim : int
        Size of the input; the output has size `config.dim`.
    config : AlignmentConfig
    """
    steps: list[nn.Module] = [nn.Dropout(config.input_dropout)] if config.input_dropout else []
    for _ in range(config.layers - 1):
        steps += [nn.Linear(input_dim, config.width), nn.BatchNorm1d(config.width), nn.GELU()]
        if config.dropout:
            steps.append(nn.Dropout(config.dropout))
        input_dim = config.width
    return nn.Sequential(*steps, nn.Linear(input_dim, config.dim))


class KernelRidgeHead(nn.Module):
    """Predict a clip's embedding from the similarity of a program to reference programs.

    Parameters
    ----------
    reference_count : int
        Number of reference programs.
    input_dim, output_dim : int
        Sizes of input and output. `core.alignment.kernel_ridge` sets the buffers.
    """

    # Buffers are saved in heads.safetensors under these names.
    rows: Tensor
    squares: Tensor
    weight: Tensor
    bias: Tensor
    sharpness: Tensor

    def __init__(self, reference_count: int, input_dim: int, output_dim: int):
        super().__init__()
        self.register_buffer("rows", torch.zeros(reference_count, input_dim))
        self.register_buffer("squares", torch.zeros(reference_count))  # squared lengths of rows
        self.register_buffer("weight", torch.zeros(reference_count, output_dim))
        self.register_buffer("bias", torch.zeros(output_dim))
        self.register_buffer("sharpness", torch.ones(()))

    def forward(self, x: Tensor) -> Tensor:
        """Predict embeddings [n, output_dim] of inputs [n, input_dim].

        The kernel of all inputs would take 2.4 GB for 100,000 of them, so it is computed in blocks.
        """
        blocks = [
            self.compute_gaussian_kernel(block) @ self.weight + self.bias
            for block in x.split(KERNEL_BLOCK_ROWS)
        ]
        return torch.cat(blocks)

    def compute_gaussian_kernel(self, x: Tensor) -> Tensor:
        """Compute the Gaussian kernel of inputs [n, input_dim]: [n, reference_count]."""
        # In place, because the kernel is the largest tensor of a fit.
        squared_distances = self.squares + x.square().sum(dim=1, keepdim=True)
        squared_distances -= 2 * x @ self.rows.T
        return squared_distances.clamp_min_(0).mul_(-self.sharpness).exp_()


class ProjectionHeads(nn.Module):
    """The projection heads of code and audio, their standardisers, and the temperature.

    Parameters
    ----------
    code_dim, audio_dim : int
        Sizes of the embeddings of the code encoder and of the audio encoder.
    config : AlignmentConfig
    reference_count : int
        With the objective "kernel_ridge": reference programs of the code head, which
        `core.alignment.kernel_ridge` sets.
    """

    def __init__(
        self, code_dim: int, audio_dim: int, config: AlignmentConfig, reference_count: int = 0
    ):
        super().__init__()
        self.config = config
        self.code_dim, self.audio_dim = code_dim, audio_dim
        self.code_head: nn.Module
        self.audio_head: nn.Module
        whitening_components = config.whitening_components
        if config.objective in CLOSED_FORM_OBJECTIVES:
            self.code_input = Standardiser(code_dim, whitening_components, RIDGE_DEVIATION_FLOOR)
            self.audio_input = Standardiser(audio_dim)
            input_dim = self.code_input.output_dim
            if config.objective == "kernel_ridge":
                self.code_head = KernelRidgeHead(reference_count, input_dim, audio_dim)
            else:
                self.code_head = nn.Linear(input_dim, audio_dim)
            self.audio_head = nn.Identity()
        else:
            self.code_input = Standardiser(code_dim, whitening_components)
            self.audio_input = Standardiser(audio_dim, whitening_components)
            self.code_head = build_projection_head(self.code_input.output_dim, config)
            self.audio_head = build_projection_head(self.audio_input.output_dim, config)
        self.log_temperature = nn.Parameter(
            torch.tensor(math.log(config.temperature)), requires_grad=config.learnable_temperature
        )

    @property
    def temperature(self) -> Tensor:
        """The temperature, a scalar."""
        return self.log_temperature.exp()

    @torch.no_grad()
    def clamp_temperature(self) -> None:
        """Clamp the temperature to `TEMPERATURE_RANGE` after a step of the optimiser.

        The parameter itself is clamped. A clamp in the forward pass would have no gradient outside
        of the range, so the temperature could never return.
        """
        low, high = (math.log(bound) for bound in TEMPERATURE_RANGE)
        self.log_temperature.clamp_(low, high)

    def project_code_embeddings(self, x: Tensor) -> Tensor:
        """Project code embeddings [n, code_dim] to unit vectors of the shared space [n, dim]."""
        return functional.normalize(self.compute_unscaled_projections(x, "code"), dim=-1)

    def project_audio_embeddings(self, x: Tensor) -> Tensor:
        """Project audio embeddings [n, audio_dim] to unit vectors of the shared space [n, dim]."""
        return functional.normalize(self.compute_unscaled_projections(x, "audio"), dim=-1)

    def compute_unscaled_projections(self, x: Tensor, modality: Modality) -> Tensor:
        """Project embeddings [n, code_dim or audio_dim] to vectors of any length [n, dim]."""
        if modality == "code":
            return self.code_head(self.code_input(x)).float()
        if self.config.objective in CLOSED_FORM_OBJECTIVES:
            # Because predictions are evaluated by cosine.
            x = functional.normalize(x.float(), dim=-1)
        return self.audio_head(self.audio_input(x)).float()

    def forward(self, code: Tensor, audio: Tensor) -> tuple[Tensor, Tensor]:
        """Project both sides of n pairs: [n, dim] and [n, dim]."""
        return self.project_code_embeddings(code), self.project_audio_embeddings(audio)

    def get_tensors_to_save(self) -> dict[str, Tensor]:
        """Return all parameters and buffers by name, on the CPU, to save as safetensors."""
        state = self.state_dict()
        return {name: value.detach().cpu().contiguous() for name, value in state.items()}

    @classmethod
    def from_tensors(
        cls, config: AlignmentConfig, tensors: Mapping[str, Tensor]
    ) -> ProjectionHeads:
        """Restore heads from `get_tensors_to_save`, in evaluation mode.

        Raises
        ------
        EarshotError
            If the tensors are not those of heads with this config.
        """
        try:
            code_dim, audio_dim = len(tensors["code_input.mean"]), len(tensors["audio_input.mean"])
            is_kernel = config.objective == "kernel_ridge"
            reference_count = len(tensors["code_head.rows"]) if is_kernel else 0
            heads = cls(code_dim, audio_dim, config, reference_count)
            heads.load_state_dict(dict(tensors))
        except (KeyError, RuntimeError, TypeError) as error:
            raise EarshotError(
                "The saved projection heads do not fit their config"
                f" ({_get_last_line_of_error_message(error)}).",
                remedy="Train the alignment again.",
            ) from error
        return heads.eval()


def _get_last_line_of_error_message(error: Exception) -> str:
    """Return the last line of a message, in which torch names the tensor."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1][:200] if lines else type(error).__name__


@torch.no_grad()
def project_embeddings(
    heads: ProjectionHeads, embeddings: np.ndarray, modality: Modality
) -> np.ndarray:
    """Project embeddings [n, d] with the head of a modality: float32 unit vectors [n, dim].

    Raises
    ------
    EarshotError
        When the embeddings do not have as many dimensions as the head takes.
    """
    x = _check_and_convert_embeddings(heads, embeddings, modality)
    return functional.normalize(heads.compute_unscaled_projections(x, modality), dim=-1).numpy()


@torch.no_grad()
def measure_projection_strengths(
    heads: ProjectionHeads, embeddings: np.ndarray, modality: Modality
) -> np.ndarray:
    """Measure how far the projections of embeddings [n, d] are from the constant one: float32 [n].

    A regression predicts the mean clip for code that is unlike all of its training programs, so the
    strength of such a prediction is near 0. Projections of an MLP have no constant part; theirs is
    the length.

    Raises
    ------
    EarshotError
        As `project_embeddings`.
    """
    x = _check_and_convert_embeddings(heads, embeddings, modality)
    projections = heads.compute_unscaled_projections(x, modality)
    if heads.config.objective in CLOSED_FORM_OBJECTIVES:
        bias = heads.code_head.bias
        assert isinstance(bias, Tensor)
        projections = projections - bias
    return projections.norm(dim=-1).numpy()


def _check_and_convert_embeddings(
    heads: ProjectionHeads, embeddings: np.ndarray, modality: Modality
) -> Tensor:
    input_dim = heads.code_dim if modality == "code" else heads.audio_dim
    if embeddings.shape[1] != input_dim:
        raise EarshotError(
            f"The {modality} embeddings have {embeddings.shape[1]} dimensions, the alignment"
            f" was trained on {input_dim}.",
            remedy="Use the encoder that it was trained with.",
        )
    return torch.from_numpy(np.ascontiguousarray(embeddings, np.float32))
