"""The shards as `webdataset` reads them."""

from pathlib import Path

import pytest

from alflow.workflow.answers.formats import webdataset
from tests.voted import Voted


def test_webdataset_reads_every_shard(world: Voted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wds = pytest.importorskip("webdataset", reason="the reader of WebDataset is not installed")
    monkeypatch.setattr(webdataset, "SHARD", 3)
    world.export(tmp_path / "out", "webdataset", unlabelled=True)
    shards = sorted(path.name for path in (tmp_path / "out").glob("*.tar"))
    assert shards == ["pool-000000.tar", "pool-000001.tar", "target-000000.tar", "test-000000.tar"]
    urls = [str(tmp_path / "out" / name) for name in shards]
    samples = list(wds.WebDataset(urls, shardshuffle=False).decode("pil"))
    by_hash = {sample["json"]["sha256"]: sample for sample in samples}
    for item, index in zip(world.items, [None, 0, None, None, None, 1], strict=True):
        sample = by_hash[item.content_hash]
        assert sample["jpg"].size == (item.width, item.height)
        assert sample.get("cls") == index
        assert sample["json"]["alflow_split"] == item.split
    assert [len(by_hash[item.content_hash]["json"]["votes"]) for item in world.items] == [2, 1, 2, 0, 0, 0]
