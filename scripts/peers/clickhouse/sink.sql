CREATE DATABASE peers;
CREATE TABLE peers.sink (
    tenant LowCardinality(String), feed LowCardinality(String), kind LowCardinality(String), entity String, type LowCardinality(String),
    source LowCardinality(String), id String, uid FixedString(16), time DateTime64(3, 'UTC'), received_at DateTime64(3, 'UTC'),
    sequence Int64, revision Int64, hash UInt64, texts Map(LowCardinality(String), String), ints Map(LowCardinality(String), Int64),
    partition Int32, offset Int64
) ENGINE = ReplacingMergeTree PARTITION BY toYYYYMM(received_at) ORDER BY (tenant, feed, kind, time, uid, entity, partition, offset);
CREATE TABLE peers.events (
    tenant LowCardinality(String), feed LowCardinality(String), type LowCardinality(String), source LowCardinality(String), id String, uid String,
    time Int64, received_at Int64, sequence Int64, revision Int64, hash UInt64, kind LowCardinality(String), entity String,
    contact_id String, agent_id String, queue_id String, channel String, by String, wait Nullable(Int64), talk Nullable(Int64), wrapup Nullable(Int64)
) ENGINE = Kafka SETTINGS kafka_broker_list = '{broker}', kafka_topic_list = 'nabz.events.v1', kafka_group_name = '{group}',
    kafka_format = 'ProtobufSingle', format_schema_source = 'string', format_schema_message_name = 'Event',
    format_schema = 'syntax = "proto3"; message Event { string tenant = 1; string feed = 2; string type = 3; string source = 4; string id = 5; bytes uid = 6; sint64 time = 7; sint64 received_at = 8; sint64 sequence = 9; sint64 revision = 10; fixed64 hash = 11; string kind = 12; string entity = 13; string contact_id = 100; string agent_id = 103; string queue_id = 104; string channel = 106; string by = 110; optional sint64 wait = 130; optional sint64 talk = 131; optional sint64 wrapup = 133; }',
    kafka_num_consumers = 1, kafka_max_block_size = 524288, kafka_poll_max_batch_size = 65536, kafka_flush_interval_ms = 1000;
CREATE MATERIALIZED VIEW peers.fill TO peers.sink AS
SELECT tenant, feed, kind, entity, type, source, id, toFixedString(uid, 16) AS uid, fromUnixTimestamp64Milli(e.time, 'UTC') AS time,
    fromUnixTimestamp64Milli(e.received_at, 'UTC') AS received_at, sequence, revision, hash,
    mapFilter((k, v) -> v != '', map('contact_id', contact_id, 'agent_id', agent_id, 'queue_id', queue_id, 'channel', channel, 'by', by)) AS texts,
    mapFilter((k, v) -> v >= 0, map('wait', ifNull(wait, -1), 'talk', ifNull(talk, -1), 'wrapup', ifNull(wrapup, -1))) AS ints,
    _partition AS partition, _offset AS offset
FROM peers.events AS e WHERE type != 'nabz.pulse'
