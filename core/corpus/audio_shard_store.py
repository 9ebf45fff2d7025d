"""Audio store of a corpus: its clips in tar shards at an fsspec URL, with a local cache.

A clip is written to the folder ``audio/`` first. When the clips that are in no shard fill one, they
are uploaded as a shard, and only then recorded in the index. So a command that is killed loses no
clip: those of the shard that it was uploading are still in the folder. Files of clips that are in a
shard are a cache, from which the files used least recently are removed.
"""

from __future__ import annotations

import hashlib
import os
import re
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.corpus.audio_shard_index import AudioStoreIndex, StoredClip
from core.corpus.clip_tar_shards import PendingClip, iterate_shard_clips, write_clip_shard
from core.corpus.object_storage import ObjectStorage, open_file_system, remove_url_credentials
from core.errors import EarshotError
from core.file_locks_and_atomic_writes import PARTIAL_PREFIX
from core.progress_callback import Progress, ignore_progress

BYTES_PER_MB = 1_000_000
DEFAULT_CACHE_MB = 2_000
DEFAULT_SHARD_MB = 64
UPLOAD_PROGRESS_STEP = "Uploading clips"
SHARDS_PROGRESS_STEP = "Checking shards"
DESCRIPTION_FILE = "README.txt"
_DESCRIPTION = b"""Clips of an Earshot corpus, in tar files as WebDataset reads them.

Each member is a clip, named by the hash of what it was rendered from. Do not change or rename the
tar files: the corpus records where in them each clip lies.
"""
_SHARD_NAME_PATTERN = re.compile(r"clips-\d{6,}-[0-9a-f]{16}\.tar")


@dataclass(frozen=True)
class ShardDamage:
    """What is wrong with a shard.

    Attributes
    ----------
    shard_name : str
    relative_path : str or None
        Path of the damaged clip below the folder of clips; None if the whole shard is missing.
    """

    shard_name: str
    relative_path: str | None = None


class DamagedShardError(EarshotError):
    """A shard is missing or does not hold the clip that was written."""


class AudioStore:
    """The shards of one corpus's clips and their index.

    Parameters
    ----------
    corpus_folder : Path
        Its index exists.
    """

    def __init__(self, corpus_folder: Path):
        self.corpus_folder = corpus_folder
        self.clips_folder = corpus_folder / "audio"
        self.index = AudioStoreIndex(corpus_folder)
        settings = self.index.read_settings()
        self.url = settings["url"]
        self.cache_bytes = int(settings["cache_mb"]) * BYTES_PER_MB
        self.shard_bytes = int(settings["shard_mb"]) * BYTES_PER_MB
        self.storage = ObjectStorage(self.url)

    @classmethod
    def open(cls, corpus_folder: Path) -> AudioStore | None:
        """Return the audio store of a corpus; None if its clips are only in its folder."""
        return cls(corpus_folder) if AudioStoreIndex(corpus_folder).exists() else None

    @classmethod
    def create(
        cls,
        corpus_folder: Path,
        url: str,
        cache_mb: int = DEFAULT_CACHE_MB,
        shard_mb: int = DEFAULT_SHARD_MB,
    ) -> AudioStore:
        """Create the audio store of a corpus, with the clips of shards that are there already.

        Parameters
        ----------
        corpus_folder : Path
            Its name becomes that of the folder of shards at the URL.
        url : str
            As `normalize_store_url` returns it.
        cache_mb : int
            Size of the local cache of clips in MB.
        shard_mb : int
            Size of a shard in MB.

        Raises
        ------
        EarshotError
            If the URL cannot be opened, read or written.
        """
        folder_url = f"{url.rstrip('/')}/{corpus_folder.name}"
        shard_names = ObjectStorage(folder_url).list_names()
        index = AudioStoreIndex(corpus_folder)
        partial_index = AudioStoreIndex(corpus_folder, f"{PARTIAL_PREFIX}{index.path.name}")
        partial_index.create(
            {"url": folder_url, "cache_mb": str(cache_mb), "shard_mb": str(shard_mb)}
        )
        for name in sorted(filter(_SHARD_NAME_PATTERN.fullmatch, shard_names)):
            _index_existing_shard(partial_index, folder_url, name)
        # The first file shows whether the store can be written, before anything is rendered.
        with tempfile.NamedTemporaryFile(dir=corpus_folder, prefix=PARTIAL_PREFIX) as file:
            file.write(_DESCRIPTION)
            file.flush()
            ObjectStorage(folder_url).upload_file(Path(file.name), DESCRIPTION_FILE)
        os.replace(partial_index.path, index.path)
        return cls(corpus_folder)

    def set_cache_size(self, cache_mb: int) -> None:
        """Store the size of the local cache of clips, in MB."""
        self.index.write_setting("cache_mb", str(cache_mb))
        self.cache_bytes = cache_mb * BYTES_PER_MB

    def upload_clips(
        self, clips: Sequence[PendingClip], progress: Progress = ignore_progress
    ) -> int:
        """Write clips into new shards; return the number of clips that are in a shard now.

        Raises
        ------
        EarshotError
            If a shard cannot be written. Earlier shards stay, and so do the local files.
        """
        uploaded_count = 0
        for block in _split_into_shards(clips, self.shard_bytes):
            progress(UPLOAD_PROGRESS_STEP, uploaded_count, len(clips))
            uploaded_count += self._upload_shard(block)
        if clips:
            progress(UPLOAD_PROGRESS_STEP, len(clips), len(clips))
        return uploaded_count

    def _upload_shard(self, clips: Sequence[PendingClip]) -> int:
        with tempfile.NamedTemporaryFile(
            dir=self.corpus_folder, prefix=PARTIAL_PREFIX, suffix=".tar"
        ) as file:
            entries = write_clip_shard(file, self.clips_folder, clips)
            if not entries:
                return 0
            file.flush()
            file.seek(0)
            # The name follows from the content: an upload that was interrupted is replaced, and
            # two corpora of one name do not overwrite each other's shards.
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            name = f"clips-{self.index.count_shards():06d}-{digest[:16]}.tar"
            size_bytes = file.seek(0, os.SEEK_END)
            self.storage.upload_file(Path(file.name), name)
        self.index.add_shard(
            name, size_bytes, [entry._replace(shard_name=name) for entry in entries]
        )
        return len(entries)

    def read_clip(self, clip: StoredClip) -> bytes:
        """Return the content of a clip's file, by one request for its range of bytes.

        Raises
        ------
        DamagedShardError
            If its shard is missing or holds something else.
        EarshotError
            If it cannot be read.
        """
        for _ in range(2):  # What was damaged on its way is correct the second time.
            try:
                content = self.storage.read_range(clip.shard_name, clip.offset, clip.size_bytes)
            except FileNotFoundError:
                raise self._make_damage_error("The shard of this clip is missing.", clip) from None
            if is_content_of_clip(content, clip):
                return content
        raise self._make_damage_error("The clip is damaged in its shard.", clip)

    def _make_damage_error(self, message: str, clip: StoredClip) -> DamagedShardError:
        return DamagedShardError(
            message,
            where=f"{self.url}/{clip.shard_name}",
            remedy=f"./run check {self.corpus_folder.name} --repair renders what is lost.",
        )

    def find_shard_damage(self, progress: Progress = ignore_progress) -> Iterator[ShardDamage]:
        """Read every shard once, and find those that are missing and clips that are damaged.

        Raises
        ------
        EarshotError
            If the store cannot be read.
        """
        shards = self.index.list_shards()
        for done, (name, size_bytes) in enumerate(shards):
            progress(SHARDS_PROGRESS_STEP, done, len(shards))
            present_bytes = self.storage.get_size(name)
            if present_bytes is None:
                yield ShardDamage(name)
                continue
            content = self.storage.read_range(name, 0, min(size_bytes, present_bytes))
            for clip in self.index.list_clips_of_shard(name):
                end = clip.offset + clip.size_bytes
                if not is_content_of_clip(content[clip.offset : end], clip):
                    yield ShardDamage(name, clip.relative_path)
        if shards:
            progress(SHARDS_PROGRESS_STEP, len(shards), len(shards))


def is_content_of_clip(content: bytes, clip: StoredClip) -> bool:
    """Return whether bytes are the file of a clip."""
    return hashlib.sha256(content).hexdigest() == clip.sha256


def normalize_store_url(text: str) -> str:
    """Return the URL of an audio store as the corpus records it.

    Parameters
    ----------
    text : str
        A URL that fsspec supports, or the path of a folder.

    Raises
    ------
    EarshotError
        If it contains a password or options, which would be stored, or what it names does not
        outlive this process.

    Examples
    --------
    >>> normalize_store_url("s3://bucket/clips/")
    's3://bucket/clips'
    """
    if "://" not in text:
        return Path(text).expanduser().absolute().as_uri()
    if remove_url_credentials(text) != text or "?" in text or "::" in text:
        raise EarshotError(
            "The URL of an audio store must have neither a user, a password nor options, because"
            " the corpus stores it.",
            where=remove_url_credentials(text).partition("?")[0],
            remedy="Set credentials in the environment, such as AWS_ACCESS_KEY_ID and"
            " AWS_SECRET_ACCESS_KEY, or in ~/.aws/credentials.",
        )
    if text.startswith("memory://"):
        raise EarshotError(
            "Clips in memory are lost when the command ends.",
            where=text,
            remedy="Use a folder, or a URL such as s3://BUCKET/FOLDER.",
        )
    return text.rstrip("/")


def _split_into_shards(
    clips: Sequence[PendingClip], shard_bytes: int
) -> Iterator[Sequence[PendingClip]]:
    """Yield consecutive clips whose sizes add up to at least `shard_bytes`, then the rest."""
    first, size_bytes = 0, 0
    for end, clip in enumerate(clips, 1):
        size_bytes += clip.size_bytes
        if size_bytes >= shard_bytes or end == len(clips):
            yield clips[first:end]
            first, size_bytes = end, 0


def _index_existing_shard(index: AudioStoreIndex, folder_url: str, name: str) -> None:
    """Add the clips of a shard to the index, unless it is no whole tar file."""
    file_system, root = open_file_system(folder_url)
    path = f"{root.rstrip('/')}/{name}"
    try:
        with file_system.open(path, "rb") as file:
            clips = list(iterate_shard_clips(file, name))
    except tarfile.TarError:
        return
    index.add_shard(name, file_system.size(path), clips)


def remove_partial_shards(corpus_folder: Path) -> None:
    """Remove the incomplete shards of writers that were killed; the caller holds the lock."""
    for leftover in corpus_folder.glob(f"{PARTIAL_PREFIX}*.tar"):
        leftover.unlink(missing_ok=True)
