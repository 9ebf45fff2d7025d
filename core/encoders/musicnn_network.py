"""The network of the `musicnn` encoder, and its weights in a TensorFlow checkpoint.

See `core.encoders.musicnn` for the publications and the licence.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

from core.encoders.tensorflow_checkpoint import CheckpointError, read_float32_tensors

INDEX_FILENAME, DATA_FILENAME = ".index", ".data-00000-of-00001"

# Front end: filters over 7 frames and 40 % or 70 % of the bands, and over one band and many frames.
TIMBRAL_FRAMES = 7
TIMBRAL_BAND_COUNTS = (38, 67)
TIMBRAL_FILTER_COUNT = 204
TEMPORAL_FRAME_COUNTS = (128, 64, 32)
TEMPORAL_FILTER_COUNT = 51
FRONT_END_DIM = TIMBRAL_FILTER_COUNT * len(TIMBRAL_BAND_COUNTS) + TEMPORAL_FILTER_COUNT * len(
    TEMPORAL_FRAME_COUNTS
)
# Middle: three convolutions over time, which pass on their own features and all earlier ones.
MIDDLE_FRAMES, MIDDLE_DIM, MIDDLE_LAYER_COUNT = 7, 64, 3
POOLED_DIM = FRONT_END_DIM + MIDDLE_LAYER_COUNT * MIDDLE_DIM
EMBEDDING_DIM, TAG_COUNT = 200, 50
BATCH_NORM_EPSILON = 1e-3  # default of TensorFlow's layers


class MusicTaggingNetwork(nn.Module):
    """MSD_musicnn up to the layer before the tags.

    The order in each layer is convolution, ReLU, batch norm, maximum over the bands. The maximum is
    taken first here: ReLU keeps order, and so does a batch norm, or it reverses it; the filters of
    a batch norm with a negative scale are therefore negated (`_OrderedFilters`).

    Parameters
    ----------
    weights : dict of str to Tensor
        As `read_network_weights` returns them.
    """

    def __init__(self, weights: dict[str, torch.Tensor]):
        super().__init__()
        self.input_norm = _read_batch_norm_weights(weights, 0)
        self.timbral_filters = nn.ModuleList(
            _OrderedFilters(_read_convolution_kernel(weights, index), weights, (index,))
            for index in (0, 1)
        )
        self.temporal_filters = _OrderedFilters(_join_temporal_kernels(weights), weights, (2, 3, 4))
        self.middle_layers = nn.ModuleList(
            _MiddleLayer(weights, index) for index in range(5, 5 + MIDDLE_LAYER_COUNT)
        )
        self.dense = _read_dense_weights_with_batch_norm(weights)
        self.output_norm = _read_batch_norm_weights(weights, 10)
        self.tags = nn.Linear(EMBEDDING_DIM, TAG_COUNT)
        self.tags.load_state_dict(
            {"weight": weights["dense_1/kernel"].T, "bias": weights["dense_1/bias"]}
        )

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        """Embed windows [n, 187 frames, 96 bands] as float32 [n, 200]."""
        # One by one, because the patches of a window just fit into the processor's cache.
        features = torch.stack([self._compute_front_end_features(window) for window in windows])
        features = features.transpose(1, 2)  # [n, 561, frames]
        all_features = [features]
        for layer in self.middle_layers:
            outputs = layer(all_features[-1])
            # All but the first layer have as many inputs as outputs and add them.
            all_features.append(outputs if len(all_features) == 1 else outputs + all_features[-1])
        joined = torch.cat(all_features, dim=1)  # [n, 753, frames]
        # The dense layer expects the maximum and the mean of each feature next to each other.
        pooled = torch.stack([joined.amax(dim=2), joined.mean(dim=2)], dim=2).flatten(1)
        return self.output_norm(functional.relu(self.dense(pooled).float()))

    def _compute_front_end_features(self, window: torch.Tensor) -> torch.Tensor:
        """Return the features of a window, float32 [frames, 561]."""
        # Rounded to the products' precision here, before the patches repeat each value.
        dtype = self.temporal_filters.products.weight.dtype
        image = self.input_norm(window).to(dtype)  # [frames, bands]
        timbral_image = functional.pad(image, (0, 0, TIMBRAL_FRAMES // 2, TIMBRAL_FRAMES // 2))
        outputs = []
        for filters, band_count in zip(self.timbral_filters, TIMBRAL_BAND_COUNTS, strict=True):
            # [frames, positions, 7, bands of the filter]
            patches = timbral_image.unfold(0, TIMBRAL_FRAMES, 1).unfold(1, band_count, 1)
            outputs.append(filters(patches))
        # As TensorFlow pads a filter of even length: one frame less before than after.
        longest = TEMPORAL_FRAME_COUNTS[0]
        temporal_image = functional.pad(image, (0, 0, (longest - 1) // 2, longest // 2))
        outputs.append(self.temporal_filters(temporal_image.unfold(0, longest, 1)))
        return torch.cat(outputs, dim=1)


class _ChannelScale(nn.Module):
    """A batch norm for inference: a factor and an offset per channel."""

    scale: torch.Tensor
    shift: torch.Tensor

    def __init__(self, scale: torch.Tensor, shift: torch.Tensor):
        super().__init__()
        self.register_buffer("scale", scale)
        self.register_buffer("shift", shift)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Scale features whose last dimension is the channel."""
        return features * self.scale + self.shift


class _OrderedFilters(nn.Module):
    """Filters whose batch-normed outputs are maximal where their products are maximal.

    Parameters
    ----------
    kernel : float32 [filters, values per patch]
    weights : dict of str to Tensor
    indices : tuple of int
        Numbers of the convolutions whose filters were joined in `kernel`.
    """

    sign: torch.Tensor
    bias: torch.Tensor

    def __init__(
        self, kernel: torch.Tensor, weights: dict[str, torch.Tensor], indices: tuple[int, ...]
    ):
        super().__init__()
        norms = [_read_batch_norm_weights(weights, index + 1) for index in indices]
        self.norm = _ChannelScale(
            torch.cat([norm.scale for norm in norms]), torch.cat([norm.shift for norm in norms])
        )
        self.register_buffer("sign", torch.where(self.norm.scale < 0, -1.0, 1.0))
        self.register_buffer(
            "bias",
            torch.cat(
                [
                    weights[f"{_format_network_layer_name('conv2d', index)}/bias"]
                    for index in indices
                ]
            ),
        )
        self.products = nn.Linear(kernel.shape[1], kernel.shape[0], bias=False)
        self.products.load_state_dict({"weight": kernel * self.sign[:, None]})

    def forward(self, patches: torch.Tensor) -> torch.Tensor:
        """Return the maximum over positions; [frames, positions, …] -> [frames, filters]."""
        # One product of two matrices: with three dimensions torch would take a slower path.
        rows = patches.reshape(-1, self.products.in_features)
        products = self.products(rows).view(*patches.shape[:2], -1)
        maxima = products.amax(dim=1).float() * self.sign
        return self.norm(functional.relu(maxima + self.bias))


class _MiddleLayer(nn.Module):
    """Convolution over 7 frames and all features, ReLU and batch norm."""

    def __init__(self, weights: dict[str, torch.Tensor], index: int):
        super().__init__()
        # [7, features, 1, filters]
        kernel = weights[f"{_format_network_layer_name('conv2d', index)}/kernel"]
        self.convolution = nn.Conv1d(
            kernel.shape[1], MIDDLE_DIM, MIDDLE_FRAMES, padding=MIDDLE_FRAMES // 2
        )
        self.convolution.load_state_dict(
            {
                "weight": kernel[:, :, 0].permute(2, 1, 0),
                "bias": weights[f"{_format_network_layer_name('conv2d', index)}/bias"],
            }
        )
        self.norm = _read_batch_norm_weights(weights, index + 1)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Map [n, features, frames] to float32 [n, 64, frames]."""
        outputs = functional.relu(self.convolution(features).float())
        return self.norm(outputs.transpose(1, 2)).transpose(1, 2)


def _format_network_layer_name(kind: str, index: int) -> str:
    """Return the name of the index-th layer of a kind: the first one has no number."""
    return kind if index == 0 else f"{kind}_{index}"


def _read_batch_norm_weights(weights: dict[str, torch.Tensor], index: int) -> _ChannelScale:
    prefix = _format_network_layer_name("batch_normalization", index)
    variance = weights[f"{prefix}/moving_variance"] + BATCH_NORM_EPSILON
    scale = weights[f"{prefix}/gamma"] / variance.sqrt()
    return _ChannelScale(
        scale, weights[f"{prefix}/beta"] - weights[f"{prefix}/moving_mean"] * scale
    )


def _read_convolution_kernel(weights: dict[str, torch.Tensor], index: int) -> torch.Tensor:
    """Return a kernel [frames, bands, 1, filters] as [filters, frames * bands]."""
    return weights[f"{_format_network_layer_name('conv2d', index)}/kernel"].flatten(0, 2).T


def _join_temporal_kernels(weights: dict[str, torch.Tensor]) -> torch.Tensor:
    """Return the temporal filters, padded to the longest, [153, 128].

    One product over all of them takes less time than three of different lengths.
    """
    longest = TEMPORAL_FRAME_COUNTS[0]
    kernels = []
    for index, frame_count in enumerate(TEMPORAL_FRAME_COUNTS, 2):
        before = (longest - 1) // 2 - (frame_count - 1) // 2
        after = longest - frame_count - before
        kernels.append(functional.pad(_read_convolution_kernel(weights, index), (before, after)))
    return torch.cat(kernels)


def _read_dense_weights_with_batch_norm(weights: dict[str, torch.Tensor]) -> nn.Linear:
    """Return the dense layer with the batch norm before it, [2 * 753] -> [200]."""
    norm = _read_batch_norm_weights(weights, 9)
    kernel = weights["dense/kernel"]  # [1506, 200]
    dense = nn.Linear(*kernel.shape)
    dense.load_state_dict(
        {
            "weight": (kernel * norm.scale[:, None]).T,
            "bias": weights["dense/bias"] + norm.shift @ kernel,
        }
    )
    return dense


def list_required_tensor_shapes() -> dict[str, tuple[int, ...]]:
    """Return the names and shapes of the tensors that the network needs.

    Returns
    -------
    dict of str to tuple of int
        As in the checkpoint; the state of its optimizer is left out.
    """
    kernels = [
        *((TIMBRAL_FRAMES, bands, 1, TIMBRAL_FILTER_COUNT) for bands in TIMBRAL_BAND_COUNTS),
        *((frames, 1, 1, TEMPORAL_FILTER_COUNT) for frames in TEMPORAL_FRAME_COUNTS),
        (MIDDLE_FRAMES, FRONT_END_DIM, 1, MIDDLE_DIM),
        *[(MIDDLE_FRAMES, MIDDLE_DIM, 1, MIDDLE_DIM)] * (MIDDLE_LAYER_COUNT - 1),
    ]
    shapes: dict[str, tuple[int, ...]] = {
        "dense/kernel": (2 * POOLED_DIM, EMBEDDING_DIM),
        "dense/bias": (EMBEDDING_DIM,),
        "dense_1/kernel": (EMBEDDING_DIM, TAG_COUNT),
        "dense_1/bias": (TAG_COUNT,),
    }
    for index, kernel in enumerate(kernels):
        shapes[f"{_format_network_layer_name('conv2d', index)}/kernel"] = kernel
        shapes[f"{_format_network_layer_name('conv2d', index)}/bias"] = kernel[-1:]
    norm_dims = [1, *(kernel[-1] for kernel in kernels), 2 * POOLED_DIM, EMBEDDING_DIM]
    for index, dim in enumerate(norm_dims):
        for name in ("gamma", "beta", "moving_mean", "moving_variance"):
            shapes[f"{_format_network_layer_name('batch_normalization', index)}/{name}"] = (dim,)
    return shapes


def read_network_weights(folder: Path) -> dict[str, torch.Tensor]:
    """Read the network's tensors from a checkpoint.

    Parameters
    ----------
    folder : Path
        Folder of the checkpoint MSD_musicnn.

    Returns
    -------
    dict of str to float32 Tensor
        By name, as `list_required_tensor_shapes` lists them.

    Raises
    ------
    CheckpointError
        If the checkpoint is damaged, or is one of another network.
    """
    shapes = list_required_tensor_shapes()
    index_path = folder / INDEX_FILENAME
    tensors = read_float32_tensors(index_path, folder / DATA_FILENAME, shapes)
    for name, shape in shapes.items():
        if tensors[name].shape != shape:
            raise CheckpointError(
                f"The tensor {name!r} has the shape {tensors[name].shape} instead of {shape}.",
                index_path,
            )
    return {name: torch.from_numpy(values) for name, values in tensors.items()}
