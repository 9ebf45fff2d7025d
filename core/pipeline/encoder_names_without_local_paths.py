"""Names of encoders in what is published: without the paths of this machine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from core.pipeline.unique_file_names import make_names_unique

LOCAL_PREFIX = "local/"
"""Before the last folder of an encoder that was loaded from a folder."""


def name_encoders_for_publication(encoder_ids: Sequence[str]) -> dict[str, str]:
    """Return a name for each encoder that shows nothing of the folders of this machine.

    Parameters
    ----------
    encoder_ids : sequence of str
        Ids of single encoders, as a corpus stores them.

    Returns
    -------
    dict of str to str
        The id itself, or "local/NAME" for an encoder whose id is the path of a folder. Different
        encoders have different names.

    Examples
    --------
    >>> name_encoders_for_publication(["log-mel", "/home/me/models/tiny", "/srv/tiny"])
    {'log-mel': 'log-mel', '/home/me/models/tiny': 'local/tiny', '/srv/tiny': 'local/tiny-2'}
    """
    names = [
        f"{LOCAL_PREFIX}{PurePath(encoder_id).name}" if is_local_path(encoder_id) else encoder_id
        for encoder_id in encoder_ids
    ]
    return dict(zip(encoder_ids, make_names_unique(names)))


def is_local_path(text: str) -> bool:
    """Return whether a text is a path of this machine and not the id of a model.

    Examples
    --------
    >>> is_local_path("/home/me/model"), is_local_path("facebook/wav2vec2-base")
    (True, False)
    """
    return text.startswith(("/", "~", "."))
