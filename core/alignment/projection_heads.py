"""Projection heads: two symmetric MLPs, or ridge regressions, into one shared space."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from core.alignment.config import (
    CLOSED_FORM_OBJECTIVES,
    JOINT_OBJECTIVES,
    TEMPERATURE_RANGE,
    WHITENED_OBJECTIVE,
    AlignmentConfig,
)
from core.alignment.projection_head_layers import (
    RIDGE_DEVIATION_FLOOR,
    JointKernelRidgeHead,
    KernelRidgeHead,
    Standardiser,
    WhiteningLayer,
    build_projection_head,
)
from core.errors import EarshotError

Modality = Literal["code", "audio"]


@dataclass(frozen=True)
class KernelSizes:
    """Sizes of the kernels of closed-form heads, which depend on the training programs.

    Attributes
    ----------
    reference_count : int
        Reference programs of the kernel of code, with "kernel_ridge" and the joint objectives.
    simulation_reference_count : int
        Likewise of the simulation, with the joint objectives.
    simulation_dim : int
        Last columns of the code embeddings that are a simulation, with the same.
    """

    reference_count: int = 0
    simulation_reference_count: int = 0
    simulation_dim: int = 0

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor], objective: str) -> KernelSizes:
        """Read the sizes from saved heads.

        Raises
        ------
        KeyError
            If the heads are not those of the objective.
        """
        if objective in JOINT_OBJECTIVES:
            return cls(
                len(tensors["code_head.code.rows"]),
                len(tensors["code_head.simulation.rows"]),
                len(tensors["code_head.simulation_input.mean"]),
            )
        if objective == "kernel_ridge":
            return cls(len(tensors["code_head.rows"]))
        return cls()


class ProjectionHeads(nn.Module):
    """The projection heads of code and audio, their standardisers, and the temperature.

    Parameters
    ----------
    code_dim, audio_dim : int
        Sizes of the embeddings of the code encoder and of the audio encoder.
    config : AlignmentConfig
    kernel_sizes : KernelSizes
        `core.alignment.kernel_ridge` and `core.alignment.joint_kernel_ridge` set the kernels.
    """

    def __init__(
        self,
        code_dim: int,
        audio_dim: int,
        config: AlignmentConfig,
        kernel_sizes: KernelSizes = KernelSizes(),
    ):
        super().__init__()
        self.config = config
        self.code_dim, self.audio_dim = code_dim, audio_dim
        self.code_head: nn.Module
        self.audio_head: nn.Module
        self.whitening: nn.Module = nn.Identity()
        whitening_components = config.whitening_components
        if config.objective in JOINT_OBJECTIVES:
            self.code_input = Standardiser(code_dim)  # Stays as it is: the head has one per part.
            self.audio_input = Standardiser(audio_dim)
            self.code_head = JointKernelRidgeHead(
                code_dim - kernel_sizes.simulation_dim,
                kernel_sizes.simulation_dim,
                audio_dim,
                whitening_components,
                (kernel_sizes.reference_count, kernel_sizes.simulation_reference_count),
            )
            self.audio_head = nn.Identity()
            if config.objective == WHITENED_OBJECTIVE:
                self.whitening = WhiteningLayer(audio_dim)
        elif config.objective in CLOSED_FORM_OBJECTIVES:
            self.code_input = Standardiser(code_dim, whitening_components, RIDGE_DEVIATION_FLOOR)
            self.audio_input = Standardiser(audio_dim)
            input_dim = self.code_input.output_dim
            if config.objective == "kernel_ridge":
                self.code_head = KernelRidgeHead(kernel_sizes.reference_count, input_dim, audio_dim)
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
        return self.whitening(self.compute_projections_before_whitening(x, modality))

    def compute_projections_before_whitening(self, x: Tensor, modality: Modality) -> Tensor:
        """Project embeddings without the last step of "whitened_joint_kernel_ridge"."""
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

    def get_chosen_constants(self) -> dict[str, float]:
        """Return what the fit chose on templates held out of the training programs, by name."""
        if not isinstance(self.code_head, JointKernelRidgeHead):
            return {}
        constants = {"simulation_weight": round(float(self.code_head.simulation_weight), 6)}
        if isinstance(self.whitening, WhiteningLayer):
            constants["whitening_shrinkage"] = round(float(self.whitening.shrinkage), 6)
        return constants

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
            kernel_sizes = KernelSizes.from_tensors(tensors, config.objective)
            heads = cls(code_dim, audio_dim, config, kernel_sizes)
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
    code_head = heads.code_head
    if isinstance(code_head, JointKernelRidgeHead) and modality == "code":
        return code_head.compute_deviation_from_mean(x).norm(dim=-1).numpy()
    projections = heads.compute_projections_before_whitening(x, modality)
    if heads.config.objective in CLOSED_FORM_OBJECTIVES:
        regression = code_head.code if isinstance(code_head, JointKernelRidgeHead) else code_head
        bias = regression.bias
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
