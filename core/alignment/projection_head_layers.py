"""Layers of projection heads: standardised inputs, MLPs, and regressions on a kernel."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.alignment.config import AlignmentConfig

RIDGE_DEVIATION_FLOOR = 0.5
CONSTANT_COLUMN_TOLERANCE = 1e-6
"""A column whose deviation is below this share of the typical one is constant."""
COLUMN_BLOCK = 128
KERNEL_BLOCK_ROWS = 4096
"""Rows of a kernel that are computed at once: 100 MB with 6,000 reference programs."""
MAX_SIMULATION_SCALE = 8.0
"""Limit of a standardised column: what few programs use must not dominate."""


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


class JointKernelRidgeHead(nn.Module):
    """Predict a clip's vector twice, from the code encoder and from the simulation; mix both.

    Parameters
    ----------
    code_dim : int
        Columns of the code encoder, which come first.
    simulation_dim : int
        Columns of the simulation.
    audio_dim : int
    whitening_components : int
        Of the code encoder's columns.
    reference_counts : tuple of int
        Reference programs of the kernel of code and of that of the simulation.
        `core.alignment.joint_kernel_ridge` sets all buffers.
    """

    # Buffers are saved in heads.safetensors under these names.
    simulation_weight: Tensor

    def __init__(
        self,
        code_dim: int,
        simulation_dim: int,
        audio_dim: int,
        whitening_components: int = 0,
        reference_counts: tuple[int, int] = (0, 0),
    ):
        super().__init__()
        self.code_dim = code_dim
        self.code_input = Standardiser(code_dim, whitening_components, RIDGE_DEVIATION_FLOOR)
        self.simulation_input = Standardiser(simulation_dim)
        code_references, simulation_references = reference_counts
        self.code = KernelRidgeHead(code_references, self.code_input.output_dim, audio_dim)
        self.simulation = KernelRidgeHead(simulation_references, simulation_dim, audio_dim)
        self.register_buffer("simulation_weight", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        """Predict vectors [n, audio_dim] of inputs [n, code_dim + simulation_dim]."""
        by_code, by_simulation = self.predict_by_code_and_by_simulation(x)
        return self._mix_predictions(by_code, by_simulation)

    def predict_by_code_and_by_simulation(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return both predictions, unit vectors [n, audio_dim]."""
        by_code, by_simulation = self._compute_both_regressions(x)
        return functional.normalize(by_code, dim=-1), functional.normalize(by_simulation, dim=-1)

    def compute_deviation_from_mean(self, x: Tensor) -> Tensor:
        """Return what the predictions [n, audio_dim] add to those for an unknown program."""
        by_code, by_simulation = self._compute_both_regressions(x)
        return self._mix_predictions(by_code - self.code.bias, by_simulation - self.simulation.bias)

    def standardise_simulation(self, simulation: Tensor) -> Tensor:
        """Standardise simulations [n, simulation_dim]; values far from all training are limited."""
        return self.simulation_input(simulation).clamp(-MAX_SIMULATION_SCALE, MAX_SIMULATION_SCALE)

    def _compute_both_regressions(self, x: Tensor) -> tuple[Tensor, Tensor]:
        code, simulation = x[:, : self.code_dim], x[:, self.code_dim :]
        by_code = self.code(self.code_input(code))
        return by_code, self.simulation(self.standardise_simulation(simulation))

    def _mix_predictions(self, by_code: Tensor, by_simulation: Tensor) -> Tensor:
        return torch.lerp(by_code, by_simulation, self.simulation_weight)


class WhiteningLayer(nn.Module):
    """Scale unit vectors by the inverse size of a prediction's errors in each direction.

    Parameters
    ----------
    dim : int
        `core.alignment.joint_kernel_ridge` sets the buffers.
    """

    # Buffers are saved in heads.safetensors under these names.
    mean: Tensor
    matrix: Tensor
    shrinkage: Tensor

    def __init__(self, dim: int):
        super().__init__()
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("matrix", torch.eye(dim))
        self.register_buffer("shrinkage", torch.ones(()))

    def forward(self, x: Tensor) -> Tensor:
        """Scale vectors [n, dim] to length 1, and whiten them."""
        return (functional.normalize(x, dim=-1) - self.mean) @ self.matrix
