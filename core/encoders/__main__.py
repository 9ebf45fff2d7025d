"""Get an encoder's weights and try it: `python -m core.encoders ENCODER…`."""

from __future__ import annotations

import sys

from core.encoders import list_encoder_specs, get_encoder
from core.errors import EarshotError


def main(encoder_ids: list[str]) -> int:
    """Load each encoder, which downloads what is not at hand; return the exit status."""
    if not encoder_ids or encoder_ids[0].startswith("-"):
        print(__doc__)
        print("\n".join(f"{each.id:42} {each.title}; {each.source}" for each in list_encoder_specs()))
        return 0
    for encoder_id in encoder_ids:
        try:
            loaded = get_encoder(encoder_id).spec
        except EarshotError as error:
            print(error, file=sys.stderr)
            return 1
        print(f"{loaded.id} is at hand and works: {loaded.source}, revision {loaded.revision}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
