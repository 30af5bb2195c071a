"""Tables and files on real servers: HDFS, S3, and what happens when they fail."""

import concurrent.futures
import contextlib
import os
import pathlib
import resource
import signal
import socket
import time
import urllib.request
import uuid

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from apache_beam.io.hadoopfilesystem import HadoopFileSystem
from pyarrow import fs

from components.ingestion import config as sections
from components.ingestion import files, rows, sources
from components.ingestion.items import Document, Reason
from schemas import storage, tables
from schemas.errors import ConfigError, IntegrityError, SourceError, StorageError
from schemas.home import Home
from tests.fixtures import servers

SCHEMA = pa.schema([("number", pa.int64()), ("content", pa.binary())])


def batches(count: int = 4, size: int = 2_000) -> list[pa.RecordBatch]:
    """Rows that compression cannot shrink away."""
    return [
        tables.from_rows([{"number": 10 * n + i, "content": os.urandom(size)} for i in range(10)], SCHEMA)
        for n in range(count)
    ]


@pytest.fixture
def on_hdfs(hdfs):
    """An empty directory's URI."""
    with servers.environment(HADOOP_USER_NAME=hdfs.user):
        yield f"{hdfs.uri}/tests/{uuid.uuid4().hex}"


@pytest.fixture(params=["hdfs", "s3"])
def remote(request):
    """An empty directory's URI, on each of the remote storages."""
    if request.param == "hdfs":
        return request.getfixturevalue("on_hdfs")
    return f"{request.getfixturevalue('s3').uri}/tests/{uuid.uuid4().hex}"


def names(directory: str) -> list[str]:
    return [entry.name for entry in storage.listed(directory, recursive=True)]


# --- tables


def test_a_table_is_the_same_wherever_it_lies(remote, tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "ROWS_PER_SHARD", 20)
    content = batches()
    for place in (tmp_path, remote):
        assert tables.write(place, content, SCHEMA) == 40
    assert tables.digest(remote) == tables.digest(tmp_path)
    assert names(remote) == ["part-00000.parquet", "part-00001.parquet"]
    assert list(tables.rows(remote)) == list(tables.rows(tmp_path)), "in the same order"
    assert tables.count(remote) == 40
    assert tables.columns(remote, ["number"])["number"].to_pylist() == list(range(40))
    read = [tables.read_group(shard, group) for shard, group in tables.groups(remote)]
    assert sum(batch.num_rows for batch in read) == 40
    for name in names(remote):
        with storage.open_stream(f"{remote}/{name}") as file:
            assert file.read() == (tmp_path / name).read_bytes(), "byte for byte"


def test_writing_a_shard_again_replaces_it(remote):
    first, second = batches(2)
    for batch in (first, second):
        tables.write_shard(remote, 0, batch)
    assert tables.columns(remote, ["number"])["number"].to_pylist() == second["number"].to_pylist()
    assert names(remote) == ["part-00000.parquet"]


def test_a_job_that_fails_while_it_writes_leaves_nothing_of_the_shard(remote):
    def failing():
        yield from batches(1)
        raise SourceError("gone")

    with pytest.raises(SourceError, match="gone"):
        tables.write(remote, failing(), SCHEMA)
    assert names(remote) == []


def test_a_missing_part_is_named(remote, tmp_path):
    for place in (str(tmp_path / "local"), remote):
        for number in (0, 1, 3):
            tables.write_shard(place, number, batches(1)[0])
        with pytest.raises(IntegrityError, match="part-00002 is missing") as caught:
            tables.count(place)
        assert caught.value.where == place


def test_a_directory_without_a_shard_is_not_an_empty_table(remote):
    with pytest.raises(IntegrityError, match="no Parquet shard"):
        tables.shards(remote)


def test_a_corrupt_shard_is_named(remote, tmp_path):
    tables.write_shard(tmp_path, 0, batches(1)[0])
    tables.write_shard(remote, 0, batches(1)[0])
    whole = (tmp_path / "part-00000.parquet").read_bytes()
    for broken in (whole[:-100], b"", whole[:200] + bytes(4000) + whole[4200:]):
        with storage.written_whole(f"{remote}/part-00001.parquet") as path:
            path.write_bytes(broken)
        with pytest.raises(IntegrityError, match="not a whole Parquet file") as caught:
            tables.digest(remote)
        assert caught.value.where == f"{remote}/part-00001.parquet"


def test_parts_written_by_other_tools_are_read_in_the_order_of_their_numbers(tmp_path):
    for name in ("part-00001-of-00002.parquet", "part-00000-1a2b-c000.snappy.parquet", "_SUCCESS", "part-x.parquet"):
        (tmp_path / name).write_bytes(b"")
    assert [path.name[:10] for path in tables.shards(tmp_path)] == ["part-00000", "part-00001"]


# --- the other clients of the same HDFS


@pytest.fixture
def beam_hdfs(hdfs):
    return HadoopFileSystem({"hdfs_host": hdfs.host, "hdfs_port": hdfs.web_port, "hdfs_user": hdfs.user})


def test_beam_reads_what_arrow_wrote(on_hdfs, hdfs, beam_hdfs):
    tables.write(on_hdfs, batches(), SCHEMA)
    path = f"{on_hdfs.replace(hdfs.uri, 'hdfs:/')}/part-00000.parquet"
    with beam_hdfs.open(path) as file:
        assert pq.read_table(file).num_rows == 40


def test_arrow_reads_what_beam_wrote(on_hdfs, hdfs, beam_hdfs):
    directory = on_hdfs.replace(hdfs.uri, "hdfs:/")
    beam_hdfs.mkdirs(directory)
    with beam_hdfs.create(f"{directory}/part-00000-of-00001.parquet") as file:
        pq.write_table(pa.Table.from_batches(batches()), file)
    assert tables.count(on_hdfs) == 40
    assert [row["number"] for row in tables.rows(on_hdfs)] == list(range(40))


# --- what fails


def test_a_datanode_killed_while_a_table_is_read_costs_nothing(on_hdfs, hdfs):
    tables.write(on_hdfs, batches(12, 100_000), SCHEMA)
    reading = tables.read(on_hdfs, batch_rows=10)
    numbers = next(reading)["number"].to_pylist()
    hdfs.kill_datanode(1)
    try:
        for batch in reading:
            numbers += batch["number"].to_pylist()
    finally:
        hdfs.start_datanode(1)
    assert numbers == list(range(120))


def test_a_datanode_killed_while_a_table_is_written_costs_nothing(on_hdfs, hdfs, tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "ROWS_PER_SHARD", 20)
    content = batches(12, 100_000)
    tables.write(tmp_path, content, SCHEMA)

    def with_a_kill():
        yield from content[:5]
        hdfs.kill_datanode(0)
        yield from content[5:]

    try:
        tables.write(on_hdfs, with_a_kill(), SCHEMA)
        assert tables.digest(on_hdfs) == tables.digest(tmp_path)
    finally:
        hdfs.start_datanode(0)
    assert names(on_hdfs) == [path.name for path in tables.shards(tmp_path)]


def test_without_any_datanode_the_error_says_so_and_nothing_is_visible(on_hdfs, hdfs, monkeypatch):
    monkeypatch.setattr(storage, "_UPLOAD_PAUSES_S", (0.1,))
    for number in (0, 1):
        hdfs.kill_datanode(number)
    try:
        with pytest.raises(StorageError, match="cannot write"):
            tables.write(on_hdfs, batches(), SCHEMA)
        assert names(on_hdfs) == []
    finally:
        for number in (0, 1):
            hdfs.start_datanode(number)


def test_safe_mode_is_called_by_its_name(on_hdfs, hdfs):
    tables.write(on_hdfs, batches(1), SCHEMA)
    hdfs.safe_mode(True)
    try:
        began = time.monotonic()
        with pytest.raises(StorageError, match="in safe mode") as caught:
            tables.write_shard(on_hdfs, 1, batches(1)[0])
        assert time.monotonic() - began < 3, "waiting does not help"
        assert "hdfs dfsadmin -safemode" in caught.value.remedy
        assert tables.count(on_hdfs) == 10, "reading goes on"
    finally:
        hdfs.safe_mode(False)


def test_permission_denied_says_who_and_what(on_hdfs, hdfs):
    tables.write(on_hdfs, batches(1), SCHEMA)
    address = f"http://{hdfs.host}:{hdfs.web_port}/webhdfs/v1{on_hdfs.replace(hdfs.uri, '')}"
    query = f"?op=SETPERMISSION&permission=700&user.name={hdfs.user}"
    urllib.request.urlopen(urllib.request.Request(address + query, method="PUT"), timeout=10).close()
    with servers.environment(HADOOP_USER_NAME="eve"):
        for attempt in (lambda: tables.count(on_hdfs), lambda: tables.write_shard(on_hdfs, 1, batches(1)[0])):
            with pytest.raises(StorageError, match=r"permission denied.*user=eve") as caught:
                attempt()
            assert "HADOOP_USER_NAME" in caught.value.remedy
            assert "\n" not in caught.value.what, "no stack trace of the server"
    assert names(on_hdfs) == ["part-00000.parquet"]


def test_a_wrong_s3_key_is_permission_denied(s3):
    with servers.environment(AWS_ACCESS_KEY_ID="nobody"):
        with pytest.raises(StorageError, match="permission denied") as caught:
            tables.write(f"{s3.uri}/denied", batches(1), SCHEMA)
        assert "AWS_" in caught.value.remedy
    assert names(f"{s3.uri}/denied") == []


def test_a_missing_bucket_is_said_so(s3):
    with pytest.raises(StorageError, match="bucket") as caught:
        tables.write("s3://no-such-bucket/table", batches(1), SCHEMA)
    assert "create the bucket" in caught.value.remedy


@contextlib.contextmanager
def silent_server():
    """A port that takes connections and says nothing."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        yield f"127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.parametrize("scheme", ["hdfs", "s3"])
@pytest.mark.parametrize("how", ["refuses", "is silent", "has no name"])
def test_a_server_out_of_reach_is_named_within_seconds(scheme, how, monkeypatch):
    monkeypatch.setattr("schemas.hdfs._CONNECT_S", 4.0)
    monkeypatch.setattr(storage, "_REQUEST_TIMEOUT_S", 1)
    with silent_server() as silent:
        host = {"refuses": f"127.0.0.1:{servers.free_port()}", "is silent": silent, "has no name": "nowhere.invalid:90"}
        uri = f"hdfs://{host[how]}/x" if scheme == "hdfs" else "s3://bucket/x"
        credentials = {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s"}
        with servers.environment(AWS_ENDPOINT_URL=f"http://{host[how]}", **credentials):
            began = time.monotonic()
            with pytest.raises(StorageError, match="cannot be reached") as caught:
                tables.count(uri)
            assert time.monotonic() - began < 15
    assert caught.value.where == uri
    assert "host and port" in caught.value.remedy


@pytest.fixture
def small_limit():
    """Files of this process may not grow over 64 kB, as if the disk were full."""
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (65_536, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


def test_a_full_disk_leaves_no_part(tmp_path, small_limit):
    for write in (
        lambda: tables.write(tmp_path, batches(1, 20_000), SCHEMA),
        lambda: tables.write_shard(tmp_path, 0, batches(1, 20_000)[0]),
    ):
        with pytest.raises(StorageError, match="cannot write") as caught:
            write()
        assert "free space" in caught.value.remedy
        assert list(tmp_path.rglob("*")) == []


def test_a_full_temporary_disk_leaves_no_part_on_a_remote_storage(remote, small_limit):
    with pytest.raises(StorageError, match="cannot write"):
        tables.write(remote, batches(1, 20_000), SCHEMA)
    assert names(remote) == []


def test_what_a_killed_writer_left_aside_is_swept(on_hdfs, tmp_path):
    for place in (on_hdfs, str(tmp_path)):
        with storage.written_whole(
            f"{place}/.part-left/x" if place == str(tmp_path) else f"{place}/.part-left"
        ) as path:
            path.write_bytes(b"half")
        tables.write(place, batches(1), SCHEMA)
        assert names(place) == ["part-00000.parquet"]


def test_many_processes_may_write_shards_at_once(remote):
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: tables.write_shard(remote, number % 4, batches(1)[0]), range(12)))
    assert names(remote) == [f"part-0000{number}.parquet" for number in range(4)]


# --- names


@pytest.mark.parametrize(
    ("uri", "path"),
    [("data/x", "data/x"), ("file:///a/b%20c", "/a/b c"), ("file://localhost/a", "/a"), (pathlib.Path("a"), "a")],
)
def test_local_names(uri, path):
    assert storage.local(uri) == pathlib.Path(path)
    assert isinstance(storage.at(uri).filesystem, fs.LocalFileSystem)


@pytest.mark.parametrize(
    ("uri", "what"),
    [
        ("ftp://host/x", "ftp is not supported"),
        ("http://host/x", "http is not supported"),
        ("s3://key:secret@bucket/x", "must not hold a user or a password"),
        ("hdfs://eve@host:1/x", "must not hold a user or a password"),
        ("hdfs:/host/x", "two slashes"),
        ("file://host/x", "names no host"),
        ("s3:///x", "names no bucket"),
    ],
)
def test_names_that_are_refused(uri, what):
    with pytest.raises(ConfigError, match=what) as caught:
        storage.at(uri)
    assert "secret" not in str(caught.value)
    assert caught.value.remedy


def test_s3a_is_s3_as_spark_calls_it(s3):
    tables.write(f"{s3.uri}/a", batches(1), SCHEMA)
    assert tables.count(f"{s3.uri.replace('s3:', 's3a:')}/a") == 10


def test_a_name_service_that_is_not_configured_is_out_of_reach():
    with pytest.raises(StorageError, match="No NameNode hosts found") as caught:
        storage.listed("hdfs://my-cluster/x")
    assert "HADOOP_CONF_DIR" in caught.value.remedy


def test_the_default_file_system_comes_from_hadoops_configuration(hdfs, on_hdfs):
    tables.write(on_hdfs, batches(1), SCHEMA)
    with servers.environment(HADOOP_CONF_DIR=str(hdfs.configuration)):
        assert tables.count(on_hdfs.replace(hdfs.uri, "hdfs://")) == 10


# --- sources


@pytest.fixture
def data(tmp_path):
    """Files and rows such as a user has."""
    root = tmp_path / "data"
    (root / "deep" / "er").mkdir(parents=True)
    (root / ".hidden").mkdir()
    (root / "soup.txt").write_text("Soup")
    (root / "deep" / "soup.py").write_text("boil()")
    (root / "deep" / "er" / "soup.png").write_bytes(b"png")
    (root / "deep" / "long.txt").write_text("x" * 101)
    (root / "deep" / "latin.txt").write_bytes(b"caf\xe9")
    (root / ".hidden" / "x.txt").write_text("hidden")
    (root / "rows.jsonl").write_text(
        '{"text": "one", "image": "deep/er/soup.png"}\n{"image": "../x.png"}\n{"image": "no.png"}\nbroken\n'
    )
    pq.write_table(pa.table({"text": ["a", "b"], "key": ["1", "2"]}), root / "rows.parquet")
    (root / "rows").mkdir()
    (root / "rows" / "broken.parquet").write_bytes(b"PAR1")
    return root


def uploaded(data: pathlib.Path, directory: str) -> str:
    for path in sorted(data.rglob("*")):
        if path.is_file():
            with storage.written_whole(storage.join(directory, path.relative_to(data).as_posix())) as aside:
                aside.write_bytes(path.read_bytes())
    return directory


@pytest.mark.parametrize("patterns", [("**/*",), ("*.txt",), ("deep/*", "**/er/*.png"), ("**/deep/**/*.p[ny]*",)])
def test_a_directory_is_read_the_same_wherever_it_lies(data, remote, patterns):
    here, there = (
        list(files.read_directory(root, patterns, max_file_bytes=100, license_="MIT"))
        for root in (data, uploaded(data, remote))
    )
    assert there == here
    assert here


def test_rows_are_read_the_same_wherever_they_lie(data, remote):
    uploaded(data, remote)
    for read, name in (
        (rows.read_jsonl, "rows.jsonl"),
        (rows.read_parquet, "rows.parquet"),
        (rows.read_parquet, "rows"),
    ):
        here, there = (
            list(read(root, max_file_bytes=100, license_="MIT")) for root in (data / name, f"{remote}/{name}")
        )
        assert [getattr(item, "reason", "taken") for item in there] == [getattr(i, "reason", "taken") for i in here]
        assert [item for item in there if isinstance(item, Document)] == [i for i in here if isinstance(i, Document)]
        assert here
    jsonl = list(rows.read_jsonl(f"{remote}/rows.jsonl", max_file_bytes=100, license_=None))
    assert [getattr(item, "reason", None) for item in jsonl] == [
        None,
        None,
        Reason.LINK,
        Reason.UNREADABLE,
        Reason.NOT_JSON,
    ]


def test_a_changed_remote_file_changes_what_the_source_depends_on(data, remote):
    uploaded(data, remote)
    before = rows.row_file_states(f"{remote}/rows.jsonl", "jsonl"), files.find(remote, ("**/*.txt",))
    assert before == (rows.row_file_states(f"{remote}/rows.jsonl", "jsonl"), files.find(remote, ("**/*.txt",)))
    time.sleep(1.1)  # S3 knows seconds
    for name in ("rows.jsonl", "soup.txt"):
        with storage.written_whole(f"{remote}/{name}") as path:
            path.write_text("Soap")
    assert rows.row_file_states(f"{remote}/rows.jsonl", "jsonl") != before[0]
    assert files.find(remote, ("**/*.txt",)) != before[1]


def test_a_remote_source_that_is_missing_is_named(remote):
    with pytest.raises(SourceError, match="no such directory") as caught:
        files.find(f"{remote}/no", ("**/*",))
    assert caught.value.where == f"{remote}/no"
    with pytest.raises(SourceError, match="no such file"):
        rows.row_files(f"{remote}/no.jsonl", "jsonl")


def test_a_storage_that_fails_while_rows_are_read_is_no_fault_of_the_rows(on_hdfs, hdfs, data):
    uploaded(data, on_hdfs)
    for number in (0, 1):
        hdfs.kill_datanode(number)
    try:
        for read in (rows.read_jsonl, rows.read_parquet):
            with pytest.raises(StorageError):
                list(read(f"{on_hdfs}/rows.{read.__name__[5:]}", max_file_bytes=100, license_=None))
        with pytest.raises(StorageError):
            list(files.read_directory(on_hdfs, ("*.txt",), max_file_bytes=100, license_=None))
    finally:
        for number in (0, 1):
            hdfs.start_datanode(number)


def test_the_whole_ingestion_is_the_same_wherever_the_data_lies(data, remote, tmp_path):
    uploaded(data, remote)
    written = []
    for name, root in (("here", str(data)), ("there", remote)):
        config = sections.IngestionConfig(
            sources={
                "files": sections.Directory(path=root, patterns=("deep/**/*",)),
                "lines": sections.JsonLines(path=f"{root}/rows.jsonl"),
                "table": sections.Parquet(path=f"{root}/rows.parquet"),
            }
        )
        sources.ingest(config, Home(tmp_path / name), tmp_path / name / "records", tmp_path / name / "rejected")
        written.append([list(tables.rows(tmp_path / name / table)) for table in ("records", "rejected")])
    for here, there in zip(*written, strict=True):
        assert there == here
    assert all(written[0])
