"""Models of the paper's architectures, small enough for a test."""

from __future__ import annotations

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import ClapConfig, PreTrainedTokenizerFast

PAD, BOS, EOS = 0, 1, 2
MUQ_CONFIG = {
    "label_rate": 25,
    "n_mels": 128,
    "conv_dim": 4,
    "encoder_dim": 32,
    "encoder_depth": 2,
    "hop_length": 240,
    "stat": {"melspec_2048_mean": 6.8, "melspec_2048_std": 18.4},
    "w2v2_config": {
        "num_attention_heads": 2,
        "intermediate_size": 64,
        "conv_depthwise_kernel_size": 31,
        "position_embeddings_type": "rotary",
    },
}


def make_tiny_clap_config(projection_dim: int) -> ClapConfig:
    """Return the config of a CLAP model; weights drawn from it tell sounds apart."""
    return ClapConfig(
        text_config={
            "vocab_size": 50,
            "hidden_size": 16,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "intermediate_size": 16,
            "max_position_embeddings": 20,
        },
        audio_config={
            "patch_embeds_hidden_size": 16,
            "hidden_size": 128,
            "depths": [1, 1, 1, 1],
            "num_attention_heads": [1, 2, 4, 8],
            "initializer_range": 0.3,
        },
        projection_dim=projection_dim,
    )


def save_byte_tokenizer(folder, with_bos=True, with_eos=True, max_length=512):
    """Save a tokenizer with one token per byte; return the size of its vocabulary."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = ["<pad>", "<bos>", "<eos>", "<unk>", *letters]
    vocabulary = {token: index for index, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.BPE(vocabulary, [], unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    template = f"{'<bos> ' * with_bos}$A{' <eos>' * with_eos}"
    tokenizer.post_processor = processors.TemplateProcessing(
        single=template, special_tokens=[("<bos>", BOS), ("<eos>", EOS)]
    )
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        bos_token="<bos>",
        eos_token="<eos>",
        unk_token="<unk>",
        model_max_length=max_length,
    ).save_pretrained(folder)
    return len(tokens)
