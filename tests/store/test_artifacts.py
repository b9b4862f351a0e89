import contextlib
import io
import json
import multiprocessing
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from safetensors.torch import save_file

from alflow.disk import in_words
from alflow.errors import InvalidInputError, NotFoundError, UnavailableError
from alflow.store.artifacts import Artifacts, _check_file, digest


@pytest.fixture(params=["local", "memory", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Artifacts]:
    """A folder, a file system that fsspec keeps in memory, and a bucket of a real S3 server."""
    if request.param == "local":
        yield Artifacts(tmp_path / "not" / "there" / "yet")
        return
    if request.param == "s3":
        yield Artifacts(f"{request.getfixturevalue('bucket')}/{uuid4().hex}")
        return
    import fsspec

    root = f"/alflow-{uuid4().hex}"
    yield Artifacts(f"memory:/{root}")
    memory = fsspec.filesystem("memory")
    if memory.exists(root):
        memory.rm(root, recursive=True)


TENSORS = {
    "values": torch.arange(12, dtype=torch.float32).reshape(3, 4),
    "half": torch.tensor([1.5, -2.0], dtype=torch.bfloat16),
    "ids": torch.tensor([2**40, -1]),
    "flags": torch.tensor([True, False]),
    "scalar": torch.tensor(0.1, dtype=torch.float64),
    "none": torch.empty(0, 5),
}


def test_tensors_and_metadata_come_back(store: Artifacts) -> None:
    store.write_tensors("a/b.safetensors", TENSORS, {"model": "demo", "note": "ä"})
    found, metadata = store.read_tensors("a/b.safetensors")
    assert metadata == {"model": "demo", "note": "ä"}
    assert found.keys() == TENSORS.keys()
    for name, tensor in TENSORS.items():
        assert found[name].dtype == tensor.dtype
        assert torch.equal(found[name], tensor)


@pytest.mark.parametrize("name", [name for name in TENSORS if TENSORS[name].dtype != torch.bfloat16])
def test_one_tensor_is_read_alone(store: Artifacts, name: str) -> None:
    store.write_tensors("a", TENSORS, {"long": "x" * 3000})
    found = torch.from_numpy(store.read_array("a", name))
    assert (found.dtype, found.shape) == (TENSORS[name].dtype, TENSORS[name].shape)
    assert torch.equal(found, TENSORS[name])


def test_a_tensor_that_cannot_be_read_is_named(store: Artifacts) -> None:
    store.write_tensors("a", TENSORS)
    with pytest.raises(InvalidInputError, match=r"a is damaged \(.*nowhere.*\): `alflow doctor --repair`"):
        store.read_array("a", "nowhere")
    with pytest.raises(NotFoundError, match="there is no artifact b"):
        store.read_array("b", "ids")
    whole = store.read_bytes("a")
    for content in (b"nonsense", b"\xff" * 20, whole[:9], whole[: len(whole) // 2], whole.replace(b'"I64"', b'"I99"')):
        store.write_bytes("a", content)
        with pytest.raises(InvalidInputError, match="is damaged"):
            store.read_array("a", "ids")


def test_metadata_are_read_without_the_tensors(store: Artifacts) -> None:
    store.write_tensors("a", {"rows": torch.ones(3)}, {"source": "pool"})
    store.write_tensors("b", {"rows": torch.ones(3)})
    assert (store.read_metadata("a"), store.read_metadata("b")) == ({"source": "pool"}, {})
    for content in (b"", b"nonsense", b"\xff" * 20):
        store.write_bytes("a", content)
        with pytest.raises(InvalidInputError, match="is damaged"):
            store.read_metadata("a")
    with pytest.raises(NotFoundError):
        store.read_metadata("c")


def test_without_metadata(store: Artifacts) -> None:
    store.write_tensors("x.safetensors", TENSORS)
    assert store.read_tensors("x.safetensors")[1] == {}


def test_views_and_gradients_are_written_as_the_numbers_they_are(store: Artifacts) -> None:
    base = torch.arange(6.0).reshape(2, 3).requires_grad_()
    store.write_tensors("x.safetensors", {"turned": base.T})
    assert torch.equal(store.read_tensors("x.safetensors")[0]["turned"], base.detach().T)


def test_bytes_come_back_and_are_replaced(store: Artifacts) -> None:
    store.write_bytes("notes/ab/abc.txt", b"one")
    store.write_bytes("notes/ab/abc.txt", b"another")
    assert store.read_bytes("notes/ab/abc.txt") == b"another"


def test_listing_is_sorted_deep_and_empty_for_what_is_not_there(store: Artifacts) -> None:
    assert store.list("x") == []
    for name in ("x/2.bin", "x/1.bin", "x/deep/3.bin", "xy/4.bin"):
        store.write_bytes(name, b"")
    assert store.list("x") == ["x/1.bin", "x/2.bin", "x/deep/3.bin"]
    assert len(store.list("")) == 4


def test_what_is_not_there_is_named(store: Artifacts) -> None:
    assert not store.exists("fits/1.safetensors")
    for read in (store.read_bytes, store.read_tensors):
        with pytest.raises(NotFoundError, match=r"fits/1\.safetensors"):
            read("fits/1.safetensors")


@pytest.mark.parametrize("keep", [0, 4, 40, -1])
def test_a_damaged_file_is_named_with_the_remedy(store: Artifacts, keep: int) -> None:
    store.write_tensors("x.safetensors", TENSORS)
    store.write_bytes("x.safetensors", store.read_bytes("x.safetensors")[:keep])
    with pytest.raises(InvalidInputError, match=r"x\.safetensors is damaged .* `alflow doctor --repair`"):
        store.read_tensors("x.safetensors")


@pytest.mark.parametrize(
    ("dtype", "shape"), [("X9", [4]), ("F32", [10**6, 10**6]), ("F32", [2**62, 2**62]), ("F32", [-4]), ("F32", "4")]
)
def test_a_header_that_promises_something_else_is_a_damaged_file(store: Artifacts, dtype: str, shape: object) -> None:
    header = json.dumps({"a": {"dtype": dtype, "shape": shape, "data_offsets": [0, 16]}}).encode()
    store.write_bytes("x.safetensors", len(header).to_bytes(8, "little") + header + bytes(16))
    with pytest.raises(InvalidInputError, match=r"x\.safetensors is damaged .* `alflow doctor --repair`"):
        store.read_tensors("x.safetensors")


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/passwd"])
def test_names_stay_inside(store: Artifacts, name: str) -> None:
    for use in (store.read_bytes, store.exists, store.list, lambda name: store.write_bytes(name, b"")):
        with pytest.raises(InvalidInputError, match="inside its folder"):
            use(name)


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    store = Artifacts(tmp_path)
    store.write_tensors("x.safetensors", {"a": torch.zeros(1)})
    shared = torch.zeros(4)
    with pytest.raises(RuntimeError):
        store.write_tensors("x.safetensors", {"a": shared, "b": shared})  # safetensors refuses shared memory
    assert store.read_tensors("x.safetensors")[0].keys() == {"a"}
    assert os.listdir(tmp_path) == ["x.safetensors"]  # noqa: PTH208


def test_tensors_that_are_in_use_survive_that_their_file_is_replaced(tmp_path: Path) -> None:
    store = Artifacts(tmp_path)
    store.write_tensors("x.safetensors", {"a": torch.ones(100_000)})
    old = store.read_tensors("x.safetensors")[0]["a"]
    store.write_tensors("x.safetensors", {"a": torch.zeros(10)})
    assert old.sum() == 100_000


def test_local_tensors_are_mapped_not_copied(tmp_path: Path) -> None:
    store = Artifacts(tmp_path)
    store.write_tensors("x.safetensors", {"a": torch.zeros(16_000_000)})

    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    if not Path("/proc/self/statm").exists():
        pytest.skip("resident memory is read from /proc")
    before = resident()
    tensor = store.read_tensors("x.safetensors")[0]["a"]
    assert resident() - before < 32_000_000
    assert tensor[123] == 0


def write_for_ever(root: str) -> None:
    store = Artifacts(root)
    while True:
        store.write_tensors("x.safetensors", {"a": torch.ones(300_000)})


@pytest.mark.slow
def test_a_killed_writer_leaves_a_whole_file(tmp_path: Path) -> None:
    store = Artifacts(tmp_path)
    for delay in (0.0, 0.013, 0.029):
        process = multiprocessing.get_context("spawn").Process(target=write_for_ever, args=(str(tmp_path),))
        process.start()
        while not store.exists("x.safetensors"):
            process.join(0.01)
        process.join(delay)
        process.kill()
        process.join()
        assert store.read_tensors("x.safetensors")[0]["a"].sum() == 300_000
        assert store.list("") == ["x.safetensors"]
        (tmp_path / "x.safetensors").unlink()


def test_what_a_killed_writer_left_is_no_artifact(tmp_path: Path) -> None:
    store = Artifacts(tmp_path)
    store.write_bytes("shards/x.safetensors", b"x")
    (tmp_path / "shards" / ".tmpC1Kv1w").write_bytes(b"half a file of safetensors' own")
    (tmp_path / "shards" / "y.safetensors.0123.tmp").write_bytes(b"half a file of ours")
    assert store.list("") == store.list("shards") == ["shards/x.safetensors"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.from_regex("[a-z]{1,8}", fullmatch=True), JSON))
@pytest.mark.slow
def test_a_digest_does_not_depend_on_the_order_of_its_parts(parts: dict[str, object]) -> None:
    assert digest(**parts) == digest(**dict(reversed(parts.items())))


def test_a_digest_depends_on_everything_else() -> None:
    parts = [{}, {"a": 1}, {"a": "1"}, {"a": 1.5}, {"a": None}, {"b": 1}, {"a": [1]}, {"a": {"b": 1}}]
    assert len({digest(**one) for one in parts}) == len(parts)
    assert digest(a=1) == "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862"


@pytest.mark.parametrize(("part", "error"), [(float("nan"), ValueError), (float("inf"), ValueError), ({1}, TypeError)])
def test_a_digest_of_what_has_no_json(part: object, error: type[Exception]) -> None:
    with pytest.raises(error):
        digest(part=part)


def write_tensors(store: Artifacts) -> None:
    store.write_tensors("a/b", {"x": torch.zeros(100_000)})


def write_bytes(store: Artifacts) -> None:
    store.write_bytes("a/b", bytes(100_000))


@pytest.mark.parametrize("write", [write_tensors, write_bytes])
def test_a_full_disk_is_named_and_leaves_nothing_half_written(
    full_disk: Path, write: Callable[[Artifacts], None]
) -> None:
    store = Artifacts(full_disk)
    with pytest.raises(UnavailableError, match=rf"^the disk is full: {full_disk}/a/b cannot be written; free"):
        write(store)
    assert store.list("") == ["filler"]
    with pytest.raises(UnavailableError, match="the disk is full"):
        store.check_writable()


@pytest.mark.parametrize("write", [write_tensors, write_bytes])
def test_a_disk_that_is_read_only_is_named(read_only_disk: Path, write: Callable[[Artifacts], None]) -> None:
    store = Artifacts(read_only_disk / "artifacts")
    with pytest.raises(UnavailableError, match=r"^the disk is read-only: \S+ cannot be written; let it be written"):
        write(store)
    with pytest.raises(UnavailableError, match="the disk is read-only"):
        store.check_writable()


def test_what_stands_in_the_way_of_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "projects").write_bytes(b"a file where a folder belongs")
    store = Artifacts(tmp_path)
    with pytest.raises(UnavailableError, match=r"projects/1/x cannot be written: (Not a directory|File exists)"):
        store.write_bytes("projects/1/x", b"1")
    with pytest.raises(UnavailableError, match=r"a file/projects cannot be written: .*/projects is not a folder"):
        Artifacts(tmp_path / "projects" / "a file").check_writable()
    with pytest.raises(UnavailableError, match=r"cannot be written: File name too long"):
        store.write_bytes("x" * 300, b"1")


def test_a_folder_that_was_moved_and_linked_is_listed_once(tmp_path: Path) -> None:
    store = Artifacts(tmp_path / "a")
    store.write_bytes("b/c/x", b"12")
    (tmp_path / "a/b/c").rename(tmp_path / "c")
    (tmp_path / "a/b/c").symlink_to(tmp_path / "c")
    (tmp_path / "c/up").symlink_to(tmp_path / "a")
    assert store.list("") == store.list("b") == ["b/c/x"]
    assert store.sizes("b") == {"b/c/x": 2}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir(mode=0o500)
    store = Artifacts(tmp_path / "mine")
    told = r"may not be written \(Permission denied\): give the user who runs alflow that right"
    with pytest.raises(UnavailableError, match=told):
        store.write_bytes("x", b"1")
    with pytest.raises(UnavailableError, match=told):
        store.check_writable()
    other = Artifacts(tmp_path / "other")
    other.write_tensors("a/b/x.safetensors", {"x": torch.ones(1)})
    (tmp_path / "other/a/b/x.safetensors").chmod(0)
    for read in (other.read_tensors, other.read_metadata, lambda name: other.read_array(name, "x")):
        with pytest.raises(UnavailableError, match="may not be read"):
            read("a/b/x.safetensors")
    (tmp_path / "other/a/b").chmod(0)
    with pytest.raises(UnavailableError, match="other/a/b may not be read"):
        other.list("")
    (tmp_path / "other/a/b").chmod(0o700)


def test_words_for_what_a_disk_refuses() -> None:
    assert in_words(PermissionError(13, "Permission denied"), "/x") == (
        "/x may not be written (Permission denied): give the user who runs alflow that right, and it goes on"
    )
    assert in_words(OSError(5, "Input/output error"), "/x", "read") == "/x cannot be read: Input/output error"
    assert in_words(OSError("odd"), "/x") == "/x cannot be written: odd"


def flipped(data: bytes, bit: int) -> bytes:
    return data[: bit // 8] + bytes([data[bit // 8] ^ 1 << bit % 8]) + data[bit // 8 + 1 :]


@pytest.mark.slow
def test_every_flipped_bit_of_a_tensor_file_is_noticed(tmp_path: Path) -> None:
    store = Artifacts(tmp_path)
    store.write_tensors("x.safetensors", {"ids": torch.tensor([2**40, -1]), "v": torch.ones(1, 2)}, {"source": "pool"})
    whole = (tmp_path / "x.safetensors").read_bytes()
    for bit in range(8 * len(whole)):
        (tmp_path / "x.safetensors").write_bytes(flipped(whole, bit))
        with pytest.raises(InvalidInputError, match=r"x\.safetensors is damaged \(.*\): `alflow doctor --repair`"):
            store.check("x.safetensors")
        with pytest.raises(InvalidInputError, match="is damaged"):
            store.read_tensors("x.safetensors")
    (tmp_path / "x.safetensors").write_bytes(whole)
    assert store.read_tensors("x.safetensors")[1] == store.read_metadata("x.safetensors") == {"source": "pool"}


def jpeg(side: int = 8) -> bytes:
    file = io.BytesIO()
    Image.effect_noise((side, side), 80).save(file, "JPEG")
    return file.getvalue()


@pytest.mark.slow
@pytest.mark.parametrize(("name", "content"), [("r/x.jpg", jpeg()), ("note.json", b'{"path": "a", "n": 1}')])
def test_flipped_bits_and_cut_ends_of_files_are_noticed(store: Artifacts, name: str, content: bytes) -> None:
    store.write_bytes(name, content)
    whole = store.read_bytes(name)
    assert len(content) < len(whole) < len(content) + 120

    def holds(data: bytes) -> object:
        if name.endswith(".jpg"):
            with Image.open(io.BytesIO(data)) as image:
                return image.tobytes()
        return {key: value for key, value in json.loads(data).items() if key in {"path", "n"}}

    assert holds(whole) == holds(content)  # still a JPEG, or JSON, for every reader
    for bit in range(0, 8 * len(whole), 7):
        store._files.pipe_file(store.path(name), flipped(whole, bit))
        try:
            found = store.read_bytes(name)
        except InvalidInputError as error:
            assert "): `alflow doctor --repair`" in str(error)  # noqa: PT017
            continue
        with contextlib.suppress(ValueError):  # no JSON any more: its readers notice
            assert holds(found) == holds(content)  # the name of the checksum was hit, and nothing else
    for end in range(0, len(whole), 5):
        store._files.pipe_file(store.path(name), whole[:end])
        with pytest.raises((InvalidInputError, json.JSONDecodeError)):
            holds(store.read_bytes(name))


def test_files_from_before_there_were_checksums_are_read_as_they_are(tmp_path: Path) -> None:
    store = Artifacts(tmp_path)
    save_file(TENSORS, tmp_path / "x.safetensors", {"model": "demo"})
    (tmp_path / "x.jpg").write_bytes(picture := jpeg())
    (tmp_path / "x.json").write_bytes(b'{"a": 1}')
    assert store.read_tensors("x.safetensors")[1] == {"model": "demo"}
    assert (store.read_bytes("x.jpg"), store.read_bytes("x.json")) == (picture, b'{"a": 1}')
    for name in store.list(""):
        store.check(name)
    (tmp_path / "x.jpg").write_bytes(picture[:-40])
    with pytest.raises(InvalidInputError, match=r"x\.jpg is damaged \(it is cut short\)"):
        store.read_bytes("x.jpg")


def test_what_is_written_does_not_depend_on_when_or_where(tmp_path: Path) -> None:
    for place in ("a", "b"):
        Artifacts(tmp_path / place).write_tensors("x.safetensors", TENSORS, {"model": "demo"})
    assert (tmp_path / "a" / "x.safetensors").read_bytes() == (tmp_path / "b" / "x.safetensors").read_bytes()


def test_a_file_is_compared_with_its_checksum_once_as_long_as_it_stays_the_same(tmp_path: Path) -> None:
    store = Artifacts(tmp_path)
    store.write_tensors("x.safetensors", {"a": torch.zeros(10)})
    before = _check_file.cache_info()
    for _ in range(7):
        store.read_tensors("x.safetensors")
    after = _check_file.cache_info()
    assert (after.misses - before.misses, after.hits - before.hits) == (1, 6)
    path = tmp_path / "x.safetensors"
    path.write_bytes(flipped(path.read_bytes(), 8 * path.stat().st_size - 1))
    with pytest.raises(InvalidInputError, match="its checksum differs"):
        store.read_tensors("x.safetensors")
