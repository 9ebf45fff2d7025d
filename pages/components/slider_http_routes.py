"""HTTP routes that follow a slider: the predicted sound of a program with a literal changed.

A request takes milliseconds and runs no page, so the answer follows the slider while it moves.
"""

from __future__ import annotations

import asyncio
import functools
import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from core.errors import EarshotError
from core.suggest.code_edit import format_in_layer_suffix
from pages.components.utf16_offsets import count_utf16_units

if TYPE_CHECKING:
    from core.search.aligned_corpus import AlignedCorpus
    from core.suggest.candidate_sound_map import ScaledCandidateMap
    from core.suggest.literal_sensitivity import LiteralSensitivity
    from core.suggest.slider_prediction import SliderPrediction, SliderPredictor
    from core.suggest.sound_target import SoundTarget

URL_PREFIX = "/prediction"
MAX_KEPT_PROGRAMS = 24
MAX_WAIT_S = 60.0
POLL_S = 0.05
_RESPONSE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, eq=False)
class PredictedProgram:
    """A program whose sliders a browser may move.

    Attributes
    ----------
    predictor : SliderPredictor
    candidate_map : ScaledCandidateMap or None
        Where its predictions are placed.
    """

    predictor: SliderPredictor
    candidate_map: ScaledCandidateMap | None


class PredictedPrograms:
    """The programs that pages show, the newest ones."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._programs: OrderedDict[str, PredictedProgram] = OrderedDict()

    def register_program_for_sliders(
        self,
        key: str,
        aligned_corpus: AlignedCorpus,
        source: str,
        candidate_map: ScaledCandidateMap | None = None,
        target: SoundTarget | None = None,
    ) -> None:
        """Let browsers ask for predictions of a program; one that is registered gets the new map.

        With a target, the sensitivity includes the values that lead to it.
        """
        from core.suggest.slider_prediction import SliderPredictor  # Imports torch.

        with self._lock:
            registered = self._programs.get(key)
            predictor = (
                registered.predictor
                if registered
                else SliderPredictor(aligned_corpus, source, target)
            )
            if _get_target_key(predictor.target) != _get_target_key(target):
                predictor = SliderPredictor(aligned_corpus, source, target)
            self._programs[key] = PredictedProgram(predictor, candidate_map)
            self._programs.move_to_end(key)
            while len(self._programs) > MAX_KEPT_PROGRAMS:
                self._programs.popitem(last=False)

    def find_program_of_sliders(self, key: str) -> PredictedProgram | None:
        """Return a registered program; None for an unknown one."""
        with self._lock:
            return self._programs.get(key)


@functools.cache
def get_predicted_programs() -> PredictedPrograms:
    """Return the programs of this server."""
    return PredictedPrograms()


def build_program_key(
    corpus_key: tuple[str, ...], source: str, target_key: tuple[str, ...] = ()
) -> str:
    """Return the key of a program, by corpus, alignment and target."""
    text = "\n".join((*corpus_key, *target_key, source))
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:32]


def build_slider_url(program_key: str) -> str:
    """Return the URL below which the routes of a program lie."""
    return f"{URL_PREFIX}/{program_key}"


def build_slider_routes() -> list[Route]:
    """Return the routes that the server adds to Streamlit's own."""
    base = f"{URL_PREFIX}/{{key}}"
    return [
        Route(f"{base}/sliders", _serve_literal_sliders, methods=["GET"]),
        Route(f"{base}/sensitivity", _serve_literal_sensitivities, methods=["GET"]),
        Route(
            f"{base}/values/{{slider:int}}/{{value:int}}", _serve_slider_prediction, methods=["GET"]
        ),
    ]


async def _serve_literal_sliders(request: Request) -> Response:
    def list_sliders(program: PredictedProgram) -> dict[str, Any]:
        source = program.predictor.source
        return {
            "sliders": [
                {
                    "from": count_utf16_units(source, slider.literal.start),
                    "to": count_utf16_units(source, slider.literal.end),
                    "name": slider.name,
                    "place": format_in_layer_suffix(slider.literal.layer),
                    "values": slider.values,
                    "position": slider.position,
                }
                for slider in program.predictor.sliders
            ]
        }

    # Code that does not parse or sound has no sliders; the page itself explains it.
    return await _answer_for_registered_program(request, list_sliders, {"sliders": []})


async def _serve_literal_sensitivities(request: Request) -> Response:
    def list_literal_sensitivities_as_json(program: PredictedProgram) -> dict[str, Any]:
        rows = program.predictor.sensitivity_by_start
        strongest = (
            max((_get_sensitivity_strength(row) for row in rows.values()), default=0.0) or 1.0
        )
        return {
            "rows": [
                {}
                if (row := rows.get(slider.literal.start)) is None
                else {
                    "strength": round(_get_sensitivity_strength(row) / strongest, 3),
                    "title": describe_literal_sensitivity(
                        row, program.predictor.advise_how_to_reach_target(row)
                    ),
                    "advice": program.predictor.advise_how_to_reach_target(row),
                    "target": slider.find_nearest_position(row.target_value),
                }
                for slider in program.predictor.sliders
            ]
        }

    return await _answer_for_registered_program(
        request, list_literal_sensitivities_as_json, {"rows": []}
    )


async def _serve_slider_prediction(request: Request) -> Response:
    slider, value = request.path_params["slider"], request.path_params["value"]

    def predict_with_slider_value(program: PredictedProgram) -> dict[str, Any]:
        prediction = program.predictor.predict_slider_value(slider, value)
        return {
            "text": prediction.text,
            "words": "" if prediction.forecast is None else prediction.forecast.words,
            "distance": round(prediction.distance, 4),
            "neighbours": [
                {"name": neighbour.name, "similarity": round(neighbour.similarity, 3)}
                for neighbour in prediction.neighbours
            ],
            "place": _place_on_map(program, prediction),
        }

    return await _answer_for_registered_program(request, predict_with_slider_value, {})


async def _answer_for_registered_program(
    request: Request,
    compute: Callable[[PredictedProgram], dict[str, Any]],
    empty_answer: dict[str, Any],
) -> Response:
    """Answer with what a function computes for the program, once a page has registered it."""
    deadline = asyncio.get_running_loop().time() + MAX_WAIT_S
    while (
        program := get_predicted_programs().find_program_of_sliders(request.path_params["key"])
    ) is None:
        # The editor is drawn before the corpus is opened, and asks at once.
        if asyncio.get_running_loop().time() > deadline:
            return PlainTextResponse("No such program.", 404, headers=_RESPONSE_HEADERS)
        await asyncio.sleep(POLL_S)
    try:
        answer = await asyncio.to_thread(compute, program)
    except EarshotError as error:
        # Not an HTTP error: the browser's console stays clean.
        answer = {**empty_answer, "error": error.message}
    return JSONResponse(answer, headers=_RESPONSE_HEADERS)


def describe_literal_sensitivity(row: LiteralSensitivity, advice: str = "") -> str:
    """Return what moves with a literal, in words, and how to reach the target.

    Examples
    --------
    >>> from core.suggest.literal_sensitivity import LiteralSensitivity
    >>> row = LiteralSensitivity(3, 40, 43, "cutoff", "", "100", ("70",), 0.2, "70",
    ...     movement="darker", aspect="timbre", aspect_movement="purer")
    >>> describe_literal_sensitivity(row)
    'cutoff 100: moves timbre most. At 70: purer, darker. Click for a slider.'
    """
    aspect = f"moves {row.aspect} most" if row.aspect else "moves the predicted sound"
    movements = dict.fromkeys(filter(None, (row.aspect_movement, row.movement)))
    directions = f" At {row.farthest_value}: {', '.join(movements)}." if movements else ""
    lead = f" {advice[0].upper()}{advice[1:]}." if advice else ""
    return f"{row.name} {row.text}: {aspect}.{directions}{lead} Click for a slider."


def _get_target_key(target: SoundTarget | None) -> str:
    return "" if target is None else target.cache_key


def _get_sensitivity_strength(row: LiteralSensitivity) -> float:
    """Return how far a literal moves the prediction; without measured clips, by the distance."""
    return row.strength or row.distance


def _place_on_map(program: PredictedProgram, prediction: SliderPrediction) -> list[float] | None:
    if program.candidate_map is None:
        return None
    (point,) = program.candidate_map.place_predictions(prediction.vector[None])
    return [round(coordinate, 4) for coordinate in point]
