"""A vector depends on its item alone, bit for bit, with every instruction set."""

import json
import os
import subprocess
import sys

import pytest

from core.encoders.encoder_device_and_precision import read_cpu_flags
from core.workspace import PROJECT_FOLDER

AVX512 = {"avx512f", "avx512bw", "avx512dq", "avx512vl"}
# Flags that a processor needs for each value of ONEDNN_MAX_CPU_ISA.
REQUIRED_FLAGS = {
    "AVX2": {"avx2"},
    "AVX512_CORE": AVX512,
    "AVX512_CORE_BF16": AVX512 | {"avx512_bf16"},
    "AVX512_CORE_AMX": AVX512 | {"amx_tile", "amx_bf16", "amx_int8"},
}


@pytest.mark.parametrize("isa", REQUIRED_FLAGS)
def test_a_vector_depends_on_its_item_alone(isa, tmp_path):
    if missing_flags := REQUIRED_FLAGS[isa] - read_cpu_flags():
        pytest.skip(f"this processor has no {', '.join(sorted(missing_flags))}")
    has_avx512 = isa != "AVX2"
    environment = {
        **os.environ,
        "ONEDNN_MAX_CPU_ISA": isa,
        "ATEN_CPU_CAPABILITY": "avx512" if has_avx512 else "avx2",
        "MKL_ENABLE_INSTRUCTIONS": "AVX512" if has_avx512 else "AVX2",
        "OPENBLAS_CORETYPE": "SkylakeX" if has_avx512 else "Haswell",
        "PYTHONPATH": str(PROJECT_FOLDER),
        "HF_HUB_OFFLINE": "1",
    }
    if not has_avx512:  # OpenVINO reads the processor's flags, and crashes where oneDNN has fewer.
        environment["EARSHOT_OPENVINO"] = "0"
    command = [sys.executable, "-m", "tests.integration.encoders.encoder_invariance", str(tmp_path)]
    result = subprocess.run(
        command, cwd=PROJECT_FOLDER, env=environment, capture_output=True, text=True, timeout=300
    )
    assert result.returncode == 0, result.stderr
    differences = json.loads(result.stdout.splitlines()[-1])
    assert len(differences) >= 10
    assert {name: lines for name, lines in differences.items() if lines} == {}
