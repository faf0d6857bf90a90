CREATE DATABASE peers;
CREATE TABLE peers.calls (
    contact String, queue SimpleAggregateFunction(max, LowCardinality(String)), channel SimpleAggregateFunction(max, LowCardinality(String)),
    agent SimpleAggregateFunction(max, LowCardinality(String)), queued_at SimpleAggregateFunction(max, Int64), answered_at SimpleAggregateFunction(max, Int64),
    ended_at SimpleAggregateFunction(max, Int64), wrapped_at SimpleAggregateFunction(max, Int64)
) ENGINE = AggregatingMergeTree ORDER BY contact;
CREATE TABLE peers.events (
    type LowCardinality(String), time Int64, entity String, agent_id LowCardinality(String), queue_id LowCardinality(String), channel LowCardinality(String)
) ENGINE = Kafka SETTINGS kafka_broker_list = '{broker}', kafka_topic_list = 'nabz.events.v1', kafka_group_name = '{group}',
    kafka_format = 'ProtobufSingle', format_schema_source = 'string', format_schema_message_name = 'Event',
    format_schema = 'syntax = "proto3"; message Event { string type = 3; sint64 time = 7; string entity = 13; string agent_id = 103; string queue_id = 104; string channel = 106; }',
    kafka_num_consumers = 1, kafka_max_block_size = 524288, kafka_poll_max_batch_size = 65536, kafka_flush_interval_ms = 1000;
CREATE MATERIALIZED VIEW peers.fill TO peers.calls AS
SELECT entity AS contact, max(queue_id) AS queue, max(e.channel) AS channel, max(agent_id) AS agent,
    maxIf(time, type = 'contact.queued') AS queued_at, maxIf(time, type = 'contact.answered') AS answered_at,
    maxIf(time, type = 'contact.ended') AS ended_at, maxIf(time, type = 'contact.wrapup_ended') AS wrapped_at
FROM peers.events AS e WHERE type != 'nabz.pulse' GROUP BY entity
