"""The reader of TensorFlow checkpoints, on small, damaged and crafted files."""

import numpy as np
import pytest

from core.encoders.tensorflow_checkpoint import (
    MAX_INDEX_BYTES,
    CheckpointError,
    read_float32_tensors,
    read_tensor_locations,
)
from tests.unit.encoders.checkpoint_files import (
    encode_block,
    encode_location,
    encode_table,
    encode_varint,
    save_checkpoint,
)

RNG = np.random.default_rng(0)
TENSORS = {
    f"layer_{index}/{name}": RNG.normal(size=shape).astype(np.float32)
    for index in range(12)
    for name, shape in (("kernel", (3, 1, index + 1)), ("bias", (index + 1,)), ("scale", ()))
}


@pytest.fixture
def checkpoint(tmp_path):
    return save_checkpoint(tmp_path / "model", TENSORS)


def test_tensors_are_read_with_their_shapes(checkpoint):
    tensors = read_float32_tensors(*checkpoint, TENSORS)
    assert set(tensors) == set(TENSORS)
    for name, values in TENSORS.items():
        assert tensors[name].shape == values.shape
        np.testing.assert_array_equal(tensors[name], values)


def test_only_the_given_tensors_are_read(checkpoint):
    assert list(read_float32_tensors(*checkpoint, ["layer_7/bias"])) == ["layer_7/bias"]
    with pytest.raises(CheckpointError, match="no tensor 'layer_99/bias'"):
        read_float32_tensors(*checkpoint, ["layer_99/bias"])


def test_no_cut_of_the_index_is_read_or_hangs(checkpoint):
    index_path, _ = checkpoint
    content = index_path.read_bytes()
    for length in range(0, len(content), 7):
        index_path.write_bytes(content[:length])
        with pytest.raises(CheckpointError, match="index"):
            read_tensor_locations(index_path)


def test_changed_bytes_raise_nothing_but_the_error_of_the_checkpoint(checkpoint):
    index_path, data_path = checkpoint
    content = index_path.read_bytes()
    rng = np.random.default_rng(1)
    failures = 0
    for _ in range(2000):
        changed = bytearray(content)
        for position in rng.integers(len(content), size=rng.integers(1, 6)):
            changed[position] = rng.integers(256)
        index_path.write_bytes(changed)
        try:
            read_float32_tensors(index_path, data_path, TENSORS)
        except CheckpointError:
            failures += 1
    assert 200 < failures < 2000  # what only moves a checksum is not noticed


def test_short_data_is_an_error(checkpoint):
    index_path, data_path = checkpoint
    data_path.write_bytes(data_path.read_bytes()[:-1])
    with pytest.raises(CheckpointError, match="beyond the end") as caught:
        read_float32_tensors(index_path, data_path, TENSORS)
    assert str(data_path) in str(caught.value)


@pytest.mark.parametrize(
    "location, message",
    [
        (encode_location((2, 2), 0, 16, data_type=2), "not float32"),
        (encode_location((2, 2), 0, 16, shard=1), "not float32 in this file"),
        (encode_location((2, 3), 0, 16), "contradicts its shape"),
        (encode_location((0, 2**60), 0, 0), "contradicts its shape"),
        (encode_location((2**31, 2**31), 0, 2**64), "beyond the end"),
        (encode_location((2, 2), 2**62, 16), "beyond the end"),
        (encode_location((2, 2), 1, 16), "beyond the end"),
        (encode_varint(7), "unknown wire type"),
        (encode_varint(2 << 3 | 2) + encode_varint(99), "beyond the end of its message"),
        (b"\xff" * 20, "does not end"),
    ],
)
def test_a_crafted_location_is_an_error(tmp_path, location, message):
    index_path, data_path = tmp_path / "model.index", tmp_path / "model.data"
    index_path.write_bytes(encode_table([(b"", b""), (b"weight", location)]))
    data_path.write_bytes(bytes(16))
    with pytest.raises(CheckpointError, match=message):
        read_float32_tensors(index_path, data_path, ["weight"])


def test_values_that_are_not_finite_are_an_error(tmp_path):
    paths = save_checkpoint(tmp_path / "model", {"weight": np.array([1, np.nan])})
    with pytest.raises(CheckpointError, match="not finite"):
        read_float32_tensors(*paths, ["weight"])


def test_a_compressed_block_is_an_error(tmp_path):
    content = bytearray(encode_table([(b"", b""), (b"weight", encode_location((1,), 0, 4))]))
    first_block = encode_block([(b"", b""), (b"weight", encode_location((1,), 0, 4))])
    content[len(first_block) - 5] = 1
    (tmp_path / "index").write_bytes(content)
    with pytest.raises(CheckpointError, match="compressed"):
        read_tensor_locations(tmp_path / "index")


def test_a_small_file_cannot_name_one_block_many_times(tmp_path):
    block = encode_block([(b"weight", encode_location((1,), 0, 4))])
    handle = encode_varint(0) + encode_varint(len(block) - 5)
    index = encode_block([(str(number).encode(), handle) for number in range(1000)])
    footer = bytes(2) + encode_varint(len(block)) + encode_varint(len(index) - 5)
    table = block + index + footer.ljust(40, b"\0") + bytes.fromhex("57fb808b247547db")
    (tmp_path / "index").write_bytes(table)
    with pytest.raises(CheckpointError, match="overlap"):
        read_tensor_locations(tmp_path / "index")


def test_a_long_name_is_an_error(tmp_path):
    table = encode_table([(b"", b""), (b"w" * 2000, encode_location((1,), 0, 4))])
    (tmp_path / "index").write_bytes(table)
    with pytest.raises(CheckpointError, match="name is too long"):
        read_tensor_locations(tmp_path / "index")


def test_a_missing_or_large_file_is_an_error(tmp_path):
    with pytest.raises(CheckpointError, match="No such file"):
        read_tensor_locations(tmp_path / "index")
    with open(tmp_path / "index", "wb") as file:
        file.truncate(MAX_INDEX_BYTES + 1)
    with pytest.raises(CheckpointError, match="too large"):
        read_tensor_locations(tmp_path / "index")
    index_path, data_path = save_checkpoint(tmp_path / "model", {"weight": np.ones(1)})
    data_path.unlink()
    with pytest.raises(CheckpointError, match="No such file"):
        read_float32_tensors(index_path, data_path, ["weight"])
