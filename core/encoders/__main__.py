"""Download the weights of encoders and check them: `python -m core.encoders ENCODER…`."""

from __future__ import annotations

import sys

from core.encoders import EncoderSpec, get_encoder, list_encoder_specs
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
            print(f"{spec.id:42} {_describe_encoder(spec)}")
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


def _describe_encoder(spec: EncoderSpec) -> str:
    """Return title, origin and size of the weights, sample rate, and licence with restriction."""
    facts = [spec.title, spec.weights_origin]
    if spec.sample_rate:
        facts.append(f"{spec.sample_rate / 1000:g} kHz")
    facts += [f"licence: {spec.licence}", spec.use_restriction]
    return "; ".join(fact for fact in facts if fact)


if __name__ == "__main__":
    sys.exit(load_and_download_encoders(sys.argv[1:]))
