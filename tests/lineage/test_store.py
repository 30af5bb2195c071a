"""Questions to a store that others write to meanwhile."""

from ml_metadata import proto

from lineage import store


def test_a_type_that_another_registered_meanwhile_is_known(tmp_path):
    config = proto.ConnectionConfig()
    config.sqlite.filename_uri = str(tmp_path / "metadata.sqlite")
    config.sqlite.connection_mode = proto.SqliteMetadataSourceConfig.READWRITE_OPENCREATE
    connected = store.Store(store.connected(config))
    raw = connected.raw
    kind = raw.put_execution_type(proto.ExecutionType(name="Toy"))

    def executed(context_type, name):
        context = proto.Context(type_id=raw.put_context_type(proto.ContextType(name=context_type)), name=name)
        [execution] = raw.put_executions([proto.Execution(type_id=kind)])
        [context_id] = raw.put_contexts([context])
        raw.put_attributions_and_associations([], [proto.Association(context_id=context_id, execution_id=execution)])
        [found] = connected.executions([execution])
        return found

    assert executed("pipeline_run", "20261124").run == "20261124"
    assert executed("node", "toy.Train").node == "Train"
