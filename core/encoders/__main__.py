"""Download the weights of encoders and check them: `python -m core.encoders ENCODER…`."""

from __future__ import annotations

import sys

from core.encoders import get_encoder, list_encoder_specs
from core.errors import EarshotError


def load_and_download_encoders(encoder_ids: list[str]) -> int:
    """Load each encoder, which downloads missing weights.

    Parameters
    ----------
    encoder_ids : list of str
        Without ids, or with an option, print the usage and the list of encoders.

    Returns
    -------
    int
        Exit status: 0, or 1 if an encoder cannot be loaded.
    """
    if not encoder_ids or encoder_ids[0].startswith("-"):
        print(__doc__)
        for spec in list_encoder_specs():
            restriction = f"; {spec.use_restriction}" if spec.use_restriction else ""
            print(f"{spec.id:42} {spec.title}; {spec.weights_origin}{restriction}")
        return 0
    for encoder_id in encoder_ids:
        try:
            spec = get_encoder(encoder_id).spec
        except EarshotError as error:
            print(error, file=sys.stderr)
            return 1
        print(
            f"{spec.id} is available and passes its sanity check:"
            f" {spec.weights_origin}, revision {spec.revision}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(load_and_download_encoders(sys.argv[1:]))
