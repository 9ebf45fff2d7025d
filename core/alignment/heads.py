"""The model: two symmetric projection heads into one shared space."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from core.alignment.config import CLOSED_FORM_OBJECTIVES, TEMPERATURE_RANGE, AlignmentConfig
from core.errors import EarshotError

RIDGE_DEVIATION_FLOOR = 0.5
CONSTANT_COLUMN_TOLERANCE = 1e-6  # a column that varies less than this share of the typical one is constant


class Standardiser(nn.Module):
    """Brings inputs to mean 0 and variance 1, as measured on the training rows.

    Parameters
    ----------
    output_dim : int
        Size of an embedding. Until `fit`, rows pass unchanged (but for `whitening_components`).
    whitening_components : int
        0 scales each column alone. Above, rows are turned to so many of their principal
        directions first; to fewer where the training rows don't vary in so many.
    deviation_floor : float
        Added to each column's deviation, as a share of the typical one: a column that hardly
        ever varies in training would be scaled up a hundredfold where it does.
    """

    def __init__(self, input_dim: int, whitening_components: int = 0, deviation_floor: float = 0.0):
        super().__init__()
        self.whitening_components, self.deviation_floor = min(whitening_components, input_dim), deviation_floor
        self.output_dim = self.whitening_components or input_dim  # of what comes out
        self.register_buffer("mean", torch.zeros(input_dim))
        self.register_buffer("scale", torch.ones(self.output_dim))
        if self.whitening_components:
            self.register_buffer("directions", torch.eye(input_dim, self.whitening_components))

    def fit(self, x: Tensor, per_column: bool = True) -> None:
        """Measure the columns of `x` [n, columns]; a constant column is only shifted.

        Without `per_column` all columns have one scale. Shifted they are in any case: where all
        embeddings point almost the same way, BatchNorm's running mean would lag behind what
        they share by more than what they differ in.
        """
        x = x.double()
        self.mean.copy_(x.mean(dim=0))
        if self.whitening_components:
            x = x - x.mean(dim=0)
            _, found = torch.linalg.eigh(x.T @ x)  # ascending
            self.directions.copy_(found.flip(1)[:, : self.whitening_components])
            x = x @ self.directions.double()  # [n, whiten]
        deviation = x.std(dim=0, correction=0)  # [self.columns]
        typical = deviation.square().mean().sqrt()
        constant = deviation <= CONSTANT_COLUMN_TOLERANCE * typical
        # What doesn't vary in training says nothing: as a principal direction it is noise.
        still = torch.full_like(deviation, torch.inf if self.whitening_components else 1.0)
        if not (per_column or self.whitening_components):
            deviation = typical.expand_as(deviation)
            constant = deviation <= CONSTANT_COLUMN_TOLERANCE * self.mean.double().square().mean().sqrt()
        self.scale.copy_(torch.where(constant, still, deviation) + self.deviation_floor * typical)

    def forward(self, x: Tensor) -> Tensor:
        x = x - self.mean
        if self.whitening_components:
            x = x @ self.directions  # [n, whiten]
        return x / self.scale  # [n, self.columns]


def build_projection_head(input_dim: int, config: AlignmentConfig) -> nn.Sequential:
    """Build one MLP: (linear, BatchNorm, GELU, dropout) repeated, and a last linear layer.

    Parameters
    ----------
    input_dim : int
        Size of the embeddings that go in; `config.dim` come out.
    """
    steps: list[nn.Module] = [nn.Dropout(config.input_dropout)] if config.input_dropout else []
    for _ in range(config.layers - 1):
        steps += [nn.Linear(input_dim, config.width), nn.BatchNorm1d(config.width), nn.GELU()]
        if config.dropout:
            steps.append(nn.Dropout(config.dropout))
        input_dim = config.width
    return nn.Sequential(*steps, nn.Linear(input_dim, config.dim))


class KernelRidgeHead(nn.Module):
    """Foretells a clip's embedding by how like a program is to each of some that are known.

    Parameters
    ----------
    known : int
        How many are known.
    columns, dim : int
        Sizes of what goes in and comes out. All else is set by `core.alignment.kernel_ridge`.
    """

    def __init__(self, reference_count: int, input_dim: int, output_dim: int):
        super().__init__()
        self.register_buffer("rows", torch.zeros(reference_count, input_dim))
        self.register_buffer("squares", torch.zeros(reference_count))  # of the rows' lengths
        self.register_buffer("weight", torch.zeros(reference_count, output_dim))
        self.register_buffer("bias", torch.zeros(output_dim))
        self.register_buffer("sharpness", torch.ones(()))

    def forward(self, x: Tensor) -> Tensor:
        return self.compute_kernel(x) @ self.weight + self.bias  # [n, dim]

    def compute_kernel(self, x: Tensor) -> Tensor:
        """A Gaussian of how far each input [n, columns] is from each known row: [n, known]."""
        apart = self.squares + x.square().sum(dim=1, keepdim=True) - 2 * x @ self.rows.T
        return torch.exp(-self.sharpness * apart.clamp_min(0))


class ProjectionHeads(nn.Module):
    """The dual MLPs of the paper, the standardisers before them, and the temperature.

    Parameters
    ----------
    code_dim, audio_dim : int
        Sizes of the code encoder's and the audio encoder's embeddings.
    config : AlignmentConfig
    known : int
        With the objective "kernel_ridge": rows of the code head. `core.alignment.kernel_ridge` sets them.
    """

    def __init__(self, code_dim: int, audio_dim: int, config: AlignmentConfig, reference_count: int = 0):
        super().__init__()
        self.config = config
        self.code_dim, self.audio_dim = code_dim, audio_dim
        if config.objective in CLOSED_FORM_OBJECTIVES:
            self.code_input = Standardiser(code_dim, config.whitening_components, RIDGE_DEVIATION_FLOOR)
            self.audio_input = Standardiser(audio_dim)
            columns = self.code_input.output_dim
            kernel = config.objective == "kernel_ridge"
            self.code_head = (
                KernelRidgeHead(reference_count, columns, audio_dim) if kernel else nn.Linear(columns, audio_dim)
            )
            self.audio_head = nn.Identity()
        else:
            self.code_input = Standardiser(code_dim, config.whitening_components)
            self.audio_input = Standardiser(audio_dim, config.whitening_components)
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
        """Bring the temperature back within `TEMPERATURE_RANGE` after a step of the optimiser.

        The parameter itself is clamped, for a clamp on the way to the loss would have no
        gradient outside the range, so the temperature could never come back.
        """
        low, high = (math.log(bound) for bound in TEMPERATURE_RANGE)
        self.log_temperature.clamp_(low, high)

    def project_code(self, x: Tensor) -> Tensor:
        """Project code embeddings [n, code_dim] to unit vectors of the shared space [n, dim]."""
        return F.normalize(self.code_head(self.code_input(x)).float(), dim=-1)

    def project_audio(self, x: Tensor) -> Tensor:
        """Project audio embeddings [n, audio_dim] to unit vectors of the shared space [n, dim]."""
        if self.config.objective in CLOSED_FORM_OBJECTIVES:
            x = F.normalize(x.float(), dim=-1)  # cosines are what it is judged by
        return F.normalize(self.audio_head(self.audio_input(x)).float(), dim=-1)

    def forward(self, code: Tensor, audio: Tensor) -> tuple[Tensor, Tensor]:
        """Project both sides of n pairs: [n, dim] and [n, dim]."""
        return self.project_code(code), self.project_audio(audio)

    def to_tensors(self) -> dict[str, Tensor]:
        """Everything that was learnt or measured, by name: what is saved as safetensors."""
        state = self.state_dict()
        return {name: value.detach().cpu().contiguous() for name, value in state.items()}

    @classmethod
    def from_tensors(
        cls, config: AlignmentConfig, tensors: Mapping[str, Tensor]
    ) -> ProjectionHeads:
        """Rebuild heads from `tensors()`, ready to project (evaluation mode).

        Raises
        ------
        EarshotError
            When the tensors are not those of heads with this config.
        """
        try:
            sizes = len(tensors["code_input.mean"]), len(tensors["audio_input.mean"])
            known = len(tensors["code_head.rows"]) if config.objective == "kernel_ridge" else 0
            heads = cls(*sizes, config, known)
            heads.load_state_dict(dict(tensors))
        except (KeyError, RuntimeError, TypeError) as error:
            raise EarshotError(
                f"The saved projection heads do not fit their config ({_summarise_error(error)}).",
                remedy="Train the alignment again.",
            ) from error
        return heads.eval()


def _summarise_error(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1][:200] if lines else type(error).__name__
