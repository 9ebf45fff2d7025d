"""Weights on the model hub: one commit of a repository, and what a model takes from others."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.encoders.model_weight_sources import (
    CONFIG_FILENAMES,
    SHARD_INDEX_FILENAMES,
    WEIGHT_FILENAMES,
    Weights,
    find_missing_config_file,
    find_missing_model_file,
    list_weight_shard_files,
)
from core.errors import EarshotError

OFFLINE_PRESET_HINT = 'The "offline" preset works without a network.'
HUB_TIMEOUT_SECONDS = 10.0  # for listing the files of a repository


@dataclass(frozen=True)
class HubWeights:
    """Weights on the Hugging Face model hub, pinned to a commit.

    Attributes
    ----------
    repo : str
        Owner and name.
    revision : str
        Commit. A model that its owner changes is another encoder.
    megabytes : int
        Approximate size of the download.
    aliases : tuple of str
        Former names of `repo`, under which the local cache may hold it.
    needs_preprocessor : bool
        Whether a tokenizer or feature extractor belongs to the model.
    is_config_only : bool
        Whether configuration and tokenizer are all that is needed, without the weights.
    companions : tuple of HubWeights
        Models that this one is built from, and that its files do not repeat: with
        `is_config_only`, because its own weights contain theirs.
    """

    repo: str
    revision: str
    megabytes: int
    aliases: tuple[str, ...] = ()
    needs_preprocessor: bool = True
    is_config_only: bool = False
    companions: tuple[HubWeights, ...] = ()

    @property
    def weights_origin(self) -> str:
        """Return the repository and the size of the download."""
        return f"model hub, {self.repo}, {self.megabytes} MB"

    def format_weights_install_instructions(self, encoder_id: str, /) -> str:
        """Return the command that downloads the weights."""
        return f".venv/bin/python -m core.encoders {encoder_id}"

    def is_available_offline(self) -> bool:
        """Return whether the local cache holds all files."""
        return self._find_cached_weights() is not None and all(
            companion.is_available_offline() for companion in self.companions
        )

    def locate_or_download_weights(self, encoder_id: str, /) -> Path:
        """Return the folder in the local cache; download missing files."""
        for companion in self.companions:
            companion.locate_or_download_weights(encoder_id)
        return self._find_cached_weights() or self._download_weights(encoder_id)

    def _find_cached_weights(self) -> Path | None:
        # Loading the hub's client takes long, and listing the encoders does not need it.
        from huggingface_hub import constants, try_to_load_from_cache

        for repo in (self.repo, *self.aliases):
            config = try_to_load_from_cache(
                repo, "config.json", cache_dir=constants.HF_HUB_CACHE, revision=self.revision
            )
            if isinstance(config, str) and not self._find_missing_file(Path(config).parent):
                return Path(config).parent
        return None

    def _find_missing_file(self, folder: Path) -> str:
        if not self.is_config_only:
            return find_missing_model_file(folder, needs_preprocessor=self.needs_preprocessor)
        return find_missing_config_file(folder, needs_preprocessor=self.needs_preprocessor)

    def _download_weights(self, encoder_id: str) -> Path:
        # As in `_find_cached_weights`.
        from huggingface_hub import HfApi, constants, hf_hub_download

        try:
            info = HfApi().model_info(
                self.repo, revision=self.revision, timeout=HUB_TIMEOUT_SECONDS
            )
            repo_files = {file.rfilename for file in info.siblings or ()}
            filenames = [name for name in CONFIG_FILENAMES if name in repo_files]
            if not self.is_config_only:
                filenames += self._list_weight_files(repo_files)
            for name in filenames:
                path = hf_hub_download(
                    self.repo, name, revision=self.revision, cache_dir=constants.HF_HUB_CACHE
                )
        except Exception as error:  # the client, its transport and the system each raise their own
            lines = str(error).strip().splitlines()
            reason = lines[0][:200] if lines else type(error).__name__
            raise EarshotError(
                f"The weights of {encoder_id} are not on this machine and could not be downloaded"
                f" ({reason}).",
                remedy="When the model hub is reachable, run:"
                f" {self.format_weights_install_instructions(encoder_id)}. Or copy the model's"
                " folder from another machine and use its path as the encoder."
                f" {OFFLINE_PRESET_HINT}",
            ) from error
        return Path(path).parent

    def _list_weight_files(self, repo_files: set[str]) -> list[str]:
        """Return the files of a repository that hold the weights: one, or an index and its shards.

        The index names the shards, so it is downloaded here. A download that stops between shards
        is not taken for complete: `find_missing_model_file` looks for each of them.
        """
        from huggingface_hub import constants, hf_hub_download

        single_files = [name for name in WEIGHT_FILENAMES if name in repo_files]
        index_files = [name for name in SHARD_INDEX_FILENAMES if name in repo_files]
        if single_files or not index_files:
            return single_files[:1]
        index_path = hf_hub_download(
            self.repo, index_files[0], revision=self.revision, cache_dir=constants.HF_HUB_CACHE
        )
        return list_weight_shard_files(Path(index_path))


def locate_companion_folder(
    weights: Weights, folder: Path, model_name: str, encoder_id: str
) -> Path:
    """Return the folder with the configuration of a model that another one is built from.

    Parameters
    ----------
    weights : Weights
        Of the model that needs the other one.
    folder : Path
        Its folder. A folder in it with the last part of the name comes first.
    model_name : str
        Such as "OpenMuQ/MuQ-large-msd-iter".
    encoder_id : str
        For the error message.

    Raises
    ------
    EarshotError
        If there is no such folder.
    """
    short_name = Path(model_name).name
    if (folder / short_name / "config.json").is_file():
        return folder / short_name
    for companion in weights.companions if isinstance(weights, HubWeights) else ():
        if Path(companion.repo).name == short_name:
            return companion.locate_or_download_weights(encoder_id)
    raise EarshotError(
        f"{encoder_id} is built from {model_name}, whose configuration is missing.",
        where=str(folder / short_name),
        remedy=f"Put config.json of {model_name} there, and its tokenizer if it has one.",
    )
