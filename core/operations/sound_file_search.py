"""Search for the programs that sound like a sound file."""

from __future__ import annotations

from core.operations.corpus_opening import format_alignment_name, open_corpora_for_prediction
from core.operations.operation_requests import SoundSearchRequest
from core.operations.operation_results import SoundSearchResult
from core.operations.search_result_conversion import (
    convert_confidence_to_result,
    convert_neighbour_to_result,
)
from core.search.multi_corpus_search import find_audio_neighbours_in_corpora
from core.search.query_audio_decoding import decode_audio_bytes
from core.search.search_confidence import estimate_clip_confidence


def find_programs_by_sound(
    audio: bytes, request: SoundSearchRequest, file_name: str = "the sound file"
) -> SoundSearchResult:
    """Find the programs of corpora that sound most like a sound file.

    Parameters
    ----------
    audio : bytes
        Content of a FLAC, WAV, Ogg or MP3 file of at most 20 MB and 2 minutes.
    request : SoundSearchRequest
    file_name : str
        For error messages.

    Raises
    ------
    EarshotError
        When the file holds no sound, the corpus or alignment is missing, or an encoder has another
        revision.
    """
    clip = decode_audio_bytes(audio, file_name)
    aligned_corpora = open_corpora_for_prediction(request.corpora, request.alignment)
    neighbours = find_audio_neighbours_in_corpora(
        aligned_corpora, clip, request.neighbour_count, request.direction
    )
    confidence = None
    if request.direction == "audio->code":
        confidence = estimate_clip_confidence(aligned_corpora, clip, neighbours)
    return SoundSearchResult(
        corpora=[corpus.corpus.name for corpus in aligned_corpora],
        alignment=format_alignment_name(aligned_corpora[0]),
        seconds=clip.seconds,
        neighbours=[convert_neighbour_to_result(neighbour) for neighbour in neighbours],
        confidence=convert_confidence_to_result(confidence),
    )
