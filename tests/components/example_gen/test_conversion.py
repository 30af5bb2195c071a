"""Samples as Examples: nothing added, nothing lost, an absent modality absent."""

import gzip
import pathlib

import tensorflow as tf

from components.example_gen import conversion
from schemas import records, tables


def sample(number, split, **modalities):
    return {
        "sample_id": f"s{number}",
        "source": "emoji",
        "record_ids": ["r"],
        "weight": 1.0,
        "attributes": {},
        "method": "key",
        "score": 1.0,
        "cluster": "c",
        "split": split,
        **modalities,
    }


def test_an_absent_modality_is_an_absent_feature():
    row = tables.to_rows(tables.from_rows([sample(1, "train", text="héllo\n", image=b"\x89PNG")], records.SAMPLE))[0]
    features = conversion.to_example(row).features.feature
    assert set(features) == {"sample_id", "source", "modality", "text", "image", "weight"}
    assert features["text"].bytes_list.value == ["héllo\n".encode()]
    assert features["weight"].float_list.value == [1.0]
    assert features["modality"].bytes_list.value == [b"text+image"]


def test_each_split_has_a_file_with_its_samples_in_their_order(tmp_path):
    rows = [sample(n, ("train", "eval", "test", "train")[n % 4], text=str(n)) for n in range(11)]
    tables.write(tmp_path / "samples", [tables.from_rows(rows, records.SAMPLE)], records.SAMPLE)
    [shard] = tables.shards(tmp_path / "samples")
    assert conversion.write_shard((0, str(shard)), directory=str(tmp_path / "out"), shards=1) == 11
    for split in conversion.SPLITS:
        [path] = pathlib.Path(tmp_path / "out" / f"Split-{split}").iterdir()
        assert path.name == "data_tfrecord-00000-of-00001.gz"
        assert gzip.decompress(path.read_bytes()), split
        examples = map(tf.train.Example.FromString, tf.data.TFRecordDataset(str(path), "GZIP").as_numpy_iterator())
        found = [example.features.feature["sample_id"].bytes_list.value[0].decode() for example in examples]
        assert found == [row["sample_id"] for row in rows if row["split"] == split]
