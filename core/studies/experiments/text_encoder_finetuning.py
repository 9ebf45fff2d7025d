"""Fine-tuning: trains a text encoder end to end with its projection heads."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import transformers
from torch import Tensor, nn

from core import encoders
from core.alignment.losses import compute_alignment_loss
from core.alignment.projection_heads import ProjectionHeads
from core.alignment.training_device_and_precision import choose_device, should_use_bf16
from core.alignment.training_pair_types_and_batches import split_rows_into_batches
from core.encoders.pretrained_loading import load_pretrained_model, load_tokenizer
from core.encoders.transformer_text_encoder import get_max_tokens_per_window
from core.errors import EarshotError

INFERENCE_BATCH_SIZE = 32  # programs
WEIGHT_DECAY = 0.01
MAX_GRADIENT_NORM = 1.0

# Takes the batches done, all batches and the loss of the last one.
StepCallback = Callable[[int, int, float], None]


def ignore_finetuning_step(done: int, total: int, loss: float) -> None:
    """Ignore the progress of a fine-tuning."""


@dataclass(frozen=True)
class FinetuningConfig:
    """Settings of a fine-tuning.

    Parameters
    ----------
    max_programs : int
        Training programs at most.
    epochs : int
    max_tokens : int
        Tokens per program at most; the rest of the program is ignored.
    batch_size : int
    learning_rate : float
        Initial learning rate of the encoder.
    head_learning_rate : float
        Initial learning rate of the heads.
    """

    max_programs: int = 600
    epochs: int = 2
    max_tokens: int = 128
    batch_size: int = 50
    learning_rate: float = 1e-4
    head_learning_rate: float = 5e-4


class TrainableTextEncoder(nn.Module):
    """A transformer with its tokenizer; a program's embedding is the mean of its tokens.

    Parameters
    ----------
    encoder_id : str
        Id or folder of a text encoder.
    max_tokens : int
        Tokens per program at most.

    Raises
    ------
    EarshotError
        When it is no text encoder, or its weights are not available.
    """

    def __init__(self, encoder_id: str, max_tokens: int):
        super().__init__()
        spec = encoders.find_encoder_spec(encoder_id)
        if spec.family != "text":
            raise EarshotError(
                f"{encoder_id} can't be fine-tuned.", remedy="Give a transformer that reads text."
            )
        folder = spec.weights.locate_or_download_weights(encoder_id)
        self.tokenizer = load_tokenizer(folder, encoder_id)
        self.model = load_pretrained_model(transformers.AutoModel, folder, encoder_id)
        context_length = get_max_tokens_per_window(spec, folder, self.model.config, self.tokenizer)
        self.max_tokens = min(max_tokens, context_length)

    def forward(self, sources: Sequence[str]) -> Tensor:
        """Embed programs: float [n, dim]."""
        device = next(self.parameters()).device
        tokens = self.tokenizer(
            list(sources),
            truncation=True,
            max_length=self.max_tokens,
            padding=True,
            return_tensors="pt",
        ).to(device)
        mask: Tensor = tokens["attention_mask"]
        hidden: Tensor = self.model(
            input_ids=tokens["input_ids"], attention_mask=mask
        ).last_hidden_state.float()  # [n, t, dim]
        return (hidden * mask[:, :, None]).sum(dim=1) / mask.sum(dim=1, keepdim=True)


@dataclass(frozen=True)
class FinetunedEncoder:
    """A fine-tuned encoder and its heads, in evaluation mode."""

    encoder: TrainableTextEncoder
    heads: ProjectionHeads

    @torch.no_grad()
    def project_code_embeddings(self, sources: Sequence[str]) -> Tensor:
        """Embed programs and project them into the shared space: float [n, dim], on the CPU."""
        device = next(self.encoder.parameters()).device
        parts = []
        for start in range(0, len(sources), INFERENCE_BATCH_SIZE):
            with _make_autocast_context(self.heads, device):
                embeddings = self.encoder(sources[start : start + INFERENCE_BATCH_SIZE])
            parts.append(self.heads.project_code_embeddings(embeddings.float()).cpu())
        return torch.cat(parts)

    @torch.no_grad()
    def project_audio_embeddings(self, embeddings: Tensor) -> Tensor:
        """Project audio embeddings [n, audio_dim] into the shared space, on the CPU."""
        device = next(self.encoder.parameters()).device
        return self.heads.project_audio_embeddings(embeddings.float().to(device)).cpu()


def finetune_text_encoder(
    encoder_id: str,
    heads: ProjectionHeads,
    sources: Sequence[str],
    audio_embeddings: Tensor,
    finetuning: FinetuningConfig,
    on_step: StepCallback = ignore_finetuning_step,
) -> FinetunedEncoder:
    """Train a text encoder together with heads that were trained on its embeddings.

    Parameters
    ----------
    encoder_id : str
        Id or folder of a text encoder.
    heads : ProjectionHeads
        Trained on the encoder's embeddings. They are copied; their config sets loss, seed, device
        and precision.
    sources : sequence of str
        At least 2. Of more than ``finetuning.max_programs``, that many are used, evenly spaced.
    audio_embeddings : Tensor, float [n, audio_dim]
        Embeddings of the programs' clips.
    finetuning : FinetuningConfig
    on_step : callable
        Called after each batch with the batches done, all batches and the loss.

    Returns
    -------
    FinetunedEncoder
        After the last epoch; there is no early stopping.

    Raises
    ------
    EarshotError
        When it is no text encoder, or the loss is not finite.
    """
    device = choose_device(heads.config.device)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(heads.config.seed)
        encoder = TrainableTextEncoder(encoder_id, finetuning.max_tokens).to(device)
        heads = copy.deepcopy(heads).to(device)
        program_count = min(len(sources), finetuning.max_programs)
        rows = torch.linspace(0, len(sources) - 1, program_count).round().int()
        training_sources = [sources[row] for row in rows]
        training_audio = audio_embeddings[rows.long()].float().to(device)
        optimizer = torch.optim.AdamW(
            [
                {"params": encoder.parameters(), "lr": finetuning.learning_rate},
                {"params": heads.parameters(), "lr": finetuning.head_learning_rate},
            ],
            weight_decay=WEIGHT_DECAY,
        )
        step_count = finetuning.epochs * len(
            split_rows_into_batches(torch.arange(program_count), finetuning.batch_size)
        )
        # Half a cosine, down to 0.
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: (1 + math.cos(math.pi * step / step_count)) / 2
        )
        done = 0
        for _ in range(finetuning.epochs):
            encoder.train()
            heads.train()
            order = torch.randperm(program_count)
            for batch in split_rows_into_batches(order, finetuning.batch_size):
                loss = _compute_batch_loss(
                    encoder,
                    heads,
                    [training_sources[row] for row in batch],
                    training_audio[batch.to(device)],
                )
                if not math.isfinite(loss.item()):
                    raise EarshotError("Fine-tuning diverged.", remedy="Lower the learning rate.")
                optimizer.zero_grad()
                loss.backward()
                parameters = [*encoder.parameters(), *heads.parameters()]
                torch.nn.utils.clip_grad_norm_(parameters, MAX_GRADIENT_NORM)
                optimizer.step()
                schedule.step()
                done += 1
                on_step(done, step_count, loss.item())
    return FinetunedEncoder(encoder.eval(), heads.eval())


def _compute_batch_loss(
    encoder: TrainableTextEncoder,
    heads: ProjectionHeads,
    sources: Sequence[str],
    audio_embeddings: Tensor,
) -> Tensor:
    """Return the loss of programs and their clips' embeddings [b, audio_dim]."""
    with _make_autocast_context(heads, audio_embeddings.device):
        code_embeddings = encoder(sources)  # [b, code_dim]
        code, audio = heads(code_embeddings.float(), audio_embeddings)  # 2 x [b, dim]
    return compute_alignment_loss(heads, code, audio, audio_embeddings, None)


def _make_autocast_context(heads: ProjectionHeads, device: torch.device) -> torch.autocast:
    use_bf16 = should_use_bf16(heads.config.precision, device)
    return torch.autocast(device.type, torch.bfloat16, enabled=use_bf16)
