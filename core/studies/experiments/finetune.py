"""Fine-tuning: a text encoder trained end to end with its projection heads, by their own loss."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import transformers
from torch import Tensor, nn

from core import encoders
from core.alignment.device import choose_device, should_use_bf16
from core.alignment.heads import ProjectionHeads
from core.alignment.trainer import split_batches, compute_loss
from core.encoders.text import get_context_length
from core.encoders.transformer import load_model, load_tokenizer
from core.errors import EarshotError

INFERENCE_BATCH_SIZE = 32  # programs, when nothing is learnt


@dataclass(frozen=True)
class FinetuningConfig:
    """How far an encoder is fine-tuned.

    Parameters
    ----------
    max_programs : int
        Most that are trained on.
    epochs : int
    max_tokens : int
        Of a program so many from its beginning are read.
    batch_size : int
    learning_rate : float
        Of the encoder.
    head_learning_rate : float
        Of the heads.
    """

    max_programs: int = 600
    epochs: int = 2
    max_tokens: int = 128
    batch_size: int = 50
    learning_rate: float = 1e-4
    head_learning_rate: float = 5e-4


class TrainableTextEncoder(nn.Module):
    """A transformer and its tokenizer: programs to the mean of their tokens' vectors.

    Parameters
    ----------
    encoder_id : str
        Of a text encoder, by name or a folder.
    max_tokens : int
        Most that are read of a program.

    Raises
    ------
    EarshotError
        When it is no text encoder, or its weights can't be had.
    """

    def __init__(self, encoder_id: str, max_tokens: int):
        super().__init__()
        entry = encoders.find_encoder_spec(encoder_id)
        if entry.family != "text":
            raise EarshotError(
                f"{encoder_id} can't be fine-tuned.", remedy="Give a transformer that reads text."
            )
        folder = entry.weights.resolve_weights_path(encoder_id)
        self.tokenizer = load_tokenizer(folder, encoder_id)
        self.model = load_model(transformers.AutoModel, folder, encoder_id)
        self.max_tokens = min(max_tokens, get_context_length(entry, folder, self.model.config, self.tokenizer))

    def forward(self, sources: Sequence[str]) -> Tensor:
        """Embed programs: [n, dim]."""
        device = next(self.parameters()).device
        given = self.tokenizer(
            list(sources),
            truncation=True,
            max_length=self.max_tokens,
            padding=True,
            return_tensors="pt",
        ).to(device)
        mask = given["attention_mask"]
        hidden = self.model(
            input_ids=given["input_ids"], attention_mask=mask
        ).last_hidden_state.float()  # [n, t, dim]
        return (hidden * mask[:, :, None]).sum(dim=1) / mask.sum(dim=1, keepdim=True)


@dataclass(frozen=True)
class FinetunedEncoder:
    """A fine-tuned encoder and its heads, in evaluation mode."""

    encoder: TrainableTextEncoder
    heads: ProjectionHeads

    @torch.no_grad()
    def project_code(self, sources: Sequence[str]) -> Tensor:
        """Read programs into the shared space: float [n, dim], on the processor."""
        device = next(self.encoder.parameters()).device
        parts = []
        for start in range(0, len(sources), INFERENCE_BATCH_SIZE):
            with _make_autocast(self.heads, device):
                read = self.encoder(sources[start : start + INFERENCE_BATCH_SIZE])
            parts.append(self.heads.project_code(read.float()).cpu())
        return torch.cat(parts)

    @torch.no_grad()
    def project_audio(self, embeddings: Tensor) -> Tensor:
        """Project audio embeddings [n, audio_dim] into the shared space, on the processor."""
        device = next(self.encoder.parameters()).device
        return self.heads.project_audio(embeddings.float().to(device)).cpu()


def finetune(
    encoder_id: str,
    heads: ProjectionHeads,
    sources: Sequence[str],
    audio_embeddings: Tensor,
    finetuning: FinetuningConfig,
    on_step: Callable[[int, int, float], None] = lambda done, total, loss: None,
) -> FinetunedEncoder:
    """Train a text encoder and the heads that were trained on it, together.

    Parameters
    ----------
    encoder_id : str
        Of a text encoder.
    heads : ProjectionHeads
        Trained on its embeddings; its config says the loss, seed, device and precision. They
        are copied.
    sources : sequence of str
        At least 2. With more than `tuning.programs`, so many of them, spread evenly.
    audio_embeddings : Tensor, float [n, audio_dim]
        Embeddings of their clips.
    finetuning : Tuning
    on_step : callable
        Told after each batch: batches done, batches in all, its loss.

    Returns
    -------
    Tuned
        After the last epoch: none is chosen by programs that were not trained on.

    Raises
    ------
    EarshotError
        When it is no text encoder, or its loss is no number.
    """
    config = heads.config
    device = choose_device(config.device)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(config.seed)
        reader = TrainableTextEncoder(encoder_id, finetuning.max_tokens).to(device)
        heads = copy.deepcopy(heads).to(device)
        kept = torch.linspace(0, len(sources) - 1, min(len(sources), finetuning.max_programs)).round().int()
        texts, heard = [sources[place] for place in kept], audio_embeddings[kept.long()].float().to(device)
        groups = [
            {"params": reader.parameters(), "lr": finetuning.learning_rate},
            {"params": heads.parameters(), "lr": finetuning.head_learning_rate},
        ]
        optimiser = torch.optim.AdamW(groups, weight_decay=0.01)
        total = finetuning.epochs * len(split_batches(torch.arange(len(texts)), finetuning.batch_size))
        # Down to 0 along half a cosine.
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimiser, lambda step: (1 + math.cos(math.pi * step / total)) / 2
        )
        done = 0
        for _ in range(finetuning.epochs):
            reader.train()
            heads.train()
            for rows in split_batches(torch.randperm(len(texts)), finetuning.batch_size):
                with _make_autocast(heads, device):
                    read = reader([texts[row] for row in rows])  # [b, code_dim]
                    own = heard[rows.to(device)]  # [b, audio_dim]
                    projected = heads(read.float(), own)  # 2 x [b, dim]
                loss = compute_loss(heads, *projected, own, None)
                if not math.isfinite(loss.item()):
                    raise EarshotError("Fine-tuning diverged.", remedy="Lower the learning rate.")
                optimiser.zero_grad()
                loss.backward()
                torch.nn.utils.clip_grad_norm_([*reader.parameters(), *heads.parameters()], 1.0)
                optimiser.step()
                schedule.step()
                done += 1
                on_step(done, total, loss.item())
    return FinetunedEncoder(reader.eval(), heads.eval())


def _make_autocast(heads: ProjectionHeads, device: torch.device) -> torch.autocast:
    bf16 = should_use_bf16(heads.config.precision, device)
    return torch.autocast(device.type, torch.bfloat16, enabled=bf16)
