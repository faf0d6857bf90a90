CREATE DATABASE peers;
CREATE TABLE peers.cells (
    queue LowCardinality(String), channel LowCardinality(String), minute Int64,
    offered SimpleAggregateFunction(sum, UInt64), answered SimpleAggregateFunction(sum, UInt64),
    in_time SimpleAggregateFunction(sum, UInt64), abandoned SimpleAggregateFunction(sum, UInt64),
    waited SimpleAggregateFunction(sum, Int64), handled SimpleAggregateFunction(sum, UInt64), talked SimpleAggregateFunction(sum, Int64),
    waits SimpleAggregateFunction(sumMap, Tuple(Array(UInt8), Array(UInt64)))
) ENGINE = AggregatingMergeTree ORDER BY (queue, channel, minute);
CREATE TABLE peers.events (
    type LowCardinality(String), time Int64, queue_id LowCardinality(String), channel LowCardinality(String), wait Nullable(Int64), talk Nullable(Int64)
) ENGINE = Kafka SETTINGS kafka_broker_list = '{broker}', kafka_topic_list = 'nabz.events.v1', kafka_group_name = '{group}',
    kafka_format = 'ProtobufSingle', format_schema_source = 'string', format_schema_message_name = 'Event',
    format_schema = 'syntax = "proto3"; message Event { string type = 3; sint64 time = 7; string queue_id = 104; string channel = 106; optional sint64 wait = 130; optional sint64 talk = 131; }',
    kafka_num_consumers = 1, kafka_max_block_size = 524288, kafka_poll_max_batch_size = 65536, kafka_flush_interval_ms = 1000;
CREATE MATERIALIZED VIEW peers.fill TO peers.cells AS
WITH toInt64(assumeNotNull(wait)) AS w, toInt64(if(w < 32, 0, floor(log2(w)) - 5)) AS shift
SELECT queue_id AS queue, channel, intDiv(time, 60000) * 60000 AS minute,
    countIf(type = 'contact.queued') AS offered, countIf(type = 'contact.answered') AS answered,
    countIf(type = 'contact.answered' AND w <= 20000) AS in_time, countIf(type = 'contact.ended' AND isNull(talk)) AS abandoned,
    sumIf(w, type = 'contact.answered') AS waited, countIf(isNotNull(talk)) AS handled, sum(assumeNotNull(talk)) AS talked,
    sumMapIf([toUInt8(intDiv(32 * shift + bitShiftRight(w, shift), 16))], [toUInt64(1)], type = 'contact.answered') AS waits
FROM peers.events WHERE type != 'nabz.pulse' GROUP BY queue, channel, minute
