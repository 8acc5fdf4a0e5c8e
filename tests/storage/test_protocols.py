from hub.storage.protocols import BatchWriter, QuarantineStore, ReadingStore, RecordStore


async def test_the_parts_of_a_store_do_what_their_protocols_say(store):
    # Mypy does not look into tests: compare the names of the methods instead.
    for protocol, part in (
        (BatchWriter, store.writer),
        (ReadingStore, store.history),
        (RecordStore, store.records),
        (QuarantineStore, store.quarantine),
    ):
        wanted = {name for name in vars(protocol) if not name.startswith("_")}
        assert wanted
        assert wanted <= set(dir(part)), protocol.__name__
