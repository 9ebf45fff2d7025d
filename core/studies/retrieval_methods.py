"""The ways to find the clips that a program will sound like, from the simplest to ours."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from core import encoders
from core.alignment import AlignmentConfig
from core.studies.experiments.finetune import Tuning
from core.encoders.concat import part_ids

BAG, EDITS, RAW, HEADS = "bag", "edits", "raw", "heads"
MLP, TUNED, TOGETHER = "mlp", "tuned", "together"
SONICPI, SCORE = "sonicpi", "score"
SENTENCES = "sentence-transformers/all-MiniLM-L6-v2"
MINILM = "MiniLM"
OURS_CODE = SONICPI
BRIEF = {"epochs": 15, "patience": 5}  # of heads in an ablation: each in about a minute
CHANGED = 300  # programs that are rendered changed


@dataclass(frozen=True)
class Way:
    """One way to find neighbours.

    Attributes
    ----------
    name : str
        For people.
    method : {"bag", "edits", "raw", "heads", "mlp", "tuned", "together"}
        By words, by edits, by raw embeddings of code, in the shared space of heads that are
        trained or solved for, by the clip's embedding as a network foretells it, in the shared
        space of heads and an encoder of code that are trained end to end, or by what several
        ways say together.
    code : str
        Whose embeddings of code; "" for the first two and the last.
    config : AlignmentConfig, optional
        Of "heads" and "tuned".
    breadth : {"all", "templates", "composed"}
        Which programs are taught; searched are all.
    columns : {"all", "whole", "layers", "sounds"}
        Of `sonicpi`: all; without what each layer alone is like; without what all layers
        together are like; without the words.
    rewritten : int
        How often each program is taught again, written otherwise: further positives.
    against : bool
        Whether heads that are trained have to tell each program from itself changed so that
        it sounds otherwise: hard negatives. They are not rendered.
    changed : int
        How many programs are taught again, changed a little and with the clip of that: near in
        code, apart in sound.
    after : AlignmentConfig, optional
        Heads whose shared space the code is brought to first.
    seeds : int
        Runs whose foretellings are averaged, of "mlp".
    tuning : Tuning, optional
        Of "tuned".
    parts : tuple of Way
        Of "together".
    ours : bool
        Whether it is the one that was chosen.
    """

    name: str
    method: str
    code: str = ""
    config: AlignmentConfig | None = None
    breadth: str = "all"
    columns: str = "all"
    rewritten: int = 0
    against: bool = False
    changed: int = 0
    after: AlignmentConfig | None = None
    seeds: int = 1
    tuning: Tuning | None = None
    parts: tuple[Way, ...] = ()
    ours: bool = False

    def encoders(self) -> set[str]:
        """Encoders of code that read what it is taught."""
        if self.parts:
            return set().union(*(part.encoders() for part in self.parts))
        return set(part_ids(self.code)) if self.code else set()

    def readers(self) -> set[str]:
        """Encoders of code that read a program that is asked about."""
        if self.parts:
            return set().union(*(part.readers() for part in self.parts))
        return set() if self.method == TUNED else self.encoders()


def _raw(view: str) -> Way:
    return Way(f"raw {_short(view)}", RAW, view)


def _kernel(view: str) -> Way:
    return Way(
        f"kernel ridge on {_short(view)}", HEADS, view, heads("foretell"), ours=view == OURS_CODE
    )


def _matrix(view: str, **changes: Any) -> Way:
    """Ridge regression without a kernel."""
    config = heads("foretell", objective="ridge", penalty=1000.0, **changes)
    return Way(f"ridge on {_short(view)}", HEADS, view, config)


def _short(view: str) -> str:
    return view.replace(SENTENCES, MINILM)


def _text(code: str) -> str:
    """An encoder that reads code as text: the corpus's, if it is one."""
    return code if encoders.entry(code).family == "text" else SENTENCES


def heads(method: str, **changes: Any) -> AlignmentConfig:
    """The config of heads of a named method."""
    return AlignmentConfig.of_method(method, **changes)


def told(code: str) -> list[Way]:
    """From the simplest way to ours, for a corpus with that code encoder."""
    views = list(dict.fromkeys((SENTENCES, code, OURS_CODE)))
    return [
        Way("bag of identifiers", BAG),
        Way("edit distance", EDITS),
        *(_raw(view) for view in views),
        *(
            Way(f"the paper's method on {_short(view)}", HEADS, view, heads("paper"))
            for view in dict.fromkeys((SENTENCES, code))
        ),
        _kernel(OURS_CODE),
        _raw(SCORE),
        _kernel(SCORE),
    ]


def solved(code: str) -> list[Way]:
    """What was tried without gradients: views of code, and what is solved for from them."""
    views = dict.fromkeys(
        (SENTENCES, code, SONICPI, f"{SENTENCES}+{SONICPI}", SCORE, f"{SONICPI}+{SCORE}")
    )
    ours = heads("foretell")
    return [
        *(_raw(view) for view in views),
        *(_matrix(view) for view in (SENTENCES, SONICPI, SCORE)),
        replace(_matrix(SONICPI, kept_mean=0.0), name="  ridge, nothing kept of the mean"),
        *(_kernel(view) for view in views),
        *(
            Way(name, HEADS, SONICPI, heads("foretell", **changes))
            for name, changes in (
                ("  nothing kept of the mean", {"kept_mean": 0.0}),
                ("  all of the mean kept", {"kept_mean": 1.0}),
                ("  a tenth of the penalty", {"penalty": 0.03}),
                ("  ten times the penalty", {"penalty": 3.0}),
                ("  whitened to 512", {"whiten": 512}),
            )
        ),
        Way("  taught templates only", HEADS, SONICPI, ours, breadth="templates"),
        Way("  taught composed programs only", HEADS, SONICPI, ours, breadth="composed"),
        Way("  without a view of each layer", HEADS, SONICPI, ours, columns="whole"),
        Way("  by the layers alone", HEADS, SONICPI, ours, columns="layers"),
        Way("  without the words", HEADS, SONICPI, ours, columns="sounds"),
    ]


def _soft(view: str) -> Way:
    return Way(f"soft targets on {_short(view)}", HEADS, view, heads("earshot", **BRIEF))


def _paper(view: str) -> Way:
    return Way(f"InfoNCE, the paper's, on {_short(view)}", HEADS, view, heads("paper", **BRIEF))


def trained(code: str) -> list[Way]:
    """Heads that were trained, beside the chosen ones, and together with them."""
    text, soft = _text(code), _soft(SONICPI)
    return [
        _raw(code),
        _kernel(OURS_CODE),
        _paper(text),
        _soft(text),
        _paper(SONICPI),
        soft,
        Way(
            "  soft, without kernels aligned",
            HEADS,
            SONICPI,
            heads("earshot", kernel_weight=0.0, **BRIEF),
        ),
        replace(soft, name="  soft, started from ridge", after=_matrix(SONICPI).config),
        Way("kernel ridge and soft targets together", TOGETHER, parts=(_kernel(OURS_CODE), soft)),
    ]


def augmented(code: str) -> list[Way]:
    """Programs written otherwise as further positives, and changed ones as hard negatives."""
    ours, soft = _kernel(OURS_CODE), _soft(SONICPI)
    return [
        _raw(code),
        ours,
        replace(ours, name="  each program also written otherwise", rewritten=1, ours=False),
        replace(
            ours,
            name=f"  and {CHANGED} programs changed a little, rendered",
            changed=CHANGED,
            ours=False,
        ),
        soft,
        replace(soft, name="  soft, each program also written otherwise", rewritten=1),
        replace(soft, name="  soft, against each program changed", against=True),
        replace(_paper(SONICPI), name="  InfoNCE, against each program changed", against=True),
    ]


def networks(code: str) -> list[Way]:
    """Networks that foretell the clip's embedding, beside the chosen heads."""
    return [
        _raw(code),
        _kernel(OURS_CODE),
        Way("network that foretells the embedding", MLP, SONICPI),
        Way("  three of them", MLP, SONICPI, seeds=3),
    ]


def tuned(code: str) -> list[Way]:
    """An encoder of text as it is, with heads, and trained end to end with them."""
    text = _text(code)
    return [
        _raw(text),
        _kernel(OURS_CODE),
        _soft(text),
        Way(
            f"{_short(text)} tuned end to end, soft targets",
            TUNED,
            text,
            _soft(text).config,
            tuning=Tuning(),
        ),
    ]


def every(code: str) -> list[Way]:
    """All of these, each once: the ablation."""
    lists = [made(code) for made in (told, solved, trained, augmented, networks, tuned)]
    return list({way.name: way for ways in lists for way in ways}.values())


WAYS = {
    "told": told,
    "solved": solved,
    "trained": trained,
    "augmented": augmented,
    "networks": networks,
    "tuned": tuned,
    "all": every,
}
