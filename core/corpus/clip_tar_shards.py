"""Write clips into a tar shard in the layout of WebDataset, and find them in one.

In a tar file the content of a clip is one range of bytes, so a player reads it by one request. In a
Parquet file it would lie in a compressed page with other clips.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from core.corpus.audio_shard_index import StoredClip
from core.corpus.clip_audio_files import AUDIO_FORMATS, build_clip_path


@dataclass(frozen=True)
class PendingClip:
    """A clip whose file is in no shard yet.

    Attributes
    ----------
    relative_path : str
        Path of the clip below the folder of clips.
    size_bytes : int
    sha256 : str
    """

    relative_path: str
    size_bytes: int
    sha256: str


def write_clip_shard(
    file: IO[bytes], clips_folder: Path, clips: Sequence[PendingClip], shard_name: str = ""
) -> list[StoredClip]:
    """Write clips into a tar file, whose bytes depend on the clips alone.

    A clip whose file is missing or differs from what was recorded is left out.

    Parameters
    ----------
    file : file object
    clips_folder : Path
    clips : sequence of PendingClip
    shard_name : str
        Name in the returned entries.

    Returns
    -------
    list of StoredClip
        The written clips.
    """
    entries = []
    with tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for clip in clips:
            content = _read_intact_clip(clips_folder, clip)
            if content is None:
                continue
            header = tarfile.TarInfo(PurePosixPath(clip.relative_path).name)
            header.size = len(content)
            archive.addfile(header, io.BytesIO(content))
            # The content ends with zeros up to a whole block.
            padded_size = -(-len(content) // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
            offset = archive.fileobj.tell() - padded_size
            entries.append(
                StoredClip(clip.relative_path, shard_name, offset, len(content), clip.sha256)
            )
    return entries


def _read_intact_clip(clips_folder: Path, clip: PendingClip) -> bytes | None:
    try:
        content = (clips_folder / clip.relative_path).read_bytes()
    except OSError:
        return None
    return content if hashlib.sha256(content).hexdigest() == clip.sha256 else None


def iterate_shard_clips(file: IO[bytes], shard_name: str) -> Iterator[StoredClip]:
    """Yield the clips of a shard that is read from its beginning to its end.

    Raises
    ------
    tarfile.TarError
        If it is not a whole tar file.
    """
    with tarfile.open(fileobj=file, mode="r|") as archive:
        for member in archive:
            render_id, _, audio_format = member.name.rpartition(".")
            content = archive.extractfile(member)
            if content is None or audio_format not in AUDIO_FORMATS or "/" in render_id:
                continue
            digest = hashlib.sha256(content.read()).hexdigest()
            relative_path = build_clip_path(render_id, audio_format)
            yield StoredClip(relative_path, shard_name, member.offset_data, member.size, digest)
