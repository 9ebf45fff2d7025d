"""A vector is a function of its item alone, bit for bit, by every instruction set."""

import json
import os
import subprocess
import sys

import pytest

from core.encoders.device import read_cpu_flags
from core.workspace import PROJECT_FOLDER

AVX512 = {"avx512f", "avx512bw", "avx512dq", "avx512vl"}
# What a processor must have for each value of ONEDNN_MAX_CPU_ISA.
FLAGS = {
    "AVX2": {"avx2"},
    "AVX512_CORE": AVX512,
    "AVX512_CORE_BF16": AVX512 | {"avx512_bf16"},
    "AVX512_CORE_AMX": AVX512 | {"amx_tile", "amx_bf16", "amx_int8"},
}


@pytest.mark.parametrize("isa", FLAGS)
def test_a_vector_depends_on_its_item_alone(isa, tmp_path):
    if lacking := FLAGS[isa] - read_cpu_flags():
        pytest.skip(f"this processor has no {', '.join(sorted(lacking))}")
    wide = isa != "AVX2"
    environment = {
        **os.environ,
        "ONEDNN_MAX_CPU_ISA": isa,
        "ATEN_CPU_CAPABILITY": "avx512" if wide else "avx2",
        "MKL_ENABLE_INSTRUCTIONS": "AVX512" if wide else "AVX2",
        "OPENBLAS_CORETYPE": "SkylakeX" if wide else "Haswell",
        "PYTHONPATH": str(PROJECT_FOLDER),
        "HF_HUB_OFFLINE": "1",
    }
    if not wide:  # OpenVINO asks the processor itself, and crashes where oneDNN may not do as much.
        environment["EARSHOT_OPENVINO"] = "0"
    command = [sys.executable, "-m", "tests.integration.encoders.encoder_invariance", str(tmp_path)]
    ended = subprocess.run(
        command, cwd=PROJECT_FOLDER, env=environment, capture_output=True, text=True, timeout=300
    )
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout.splitlines()[-1])
    assert len(found) >= 10
    assert {name: ways for name, ways in found.items() if ways} == {}
