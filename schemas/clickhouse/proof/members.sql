-- What the proof of every kind begins with, put where it says members.sql: of
-- each item the events that apply, each with its place in the order of types.
--
-- Parameters: kind, feed, generation, epoch, tenant (empty: all), slices and
-- slice (a part of the items, by hash), types with their ranks, openers.

-- How far each task has come.
clocks AS (
  SELECT tenant, partition, argMax(now, position) AS now, max(position) AS loaded
  FROM nabz_internal.progress FINAL
  WHERE topic = 'nabz.facts.v1' AND feed = {feed:String} AND generation = {generation:Int64} AND epoch = {epoch:Int64}
  GROUP BY tenant, partition
),

-- The records that count: of each id and time the one that stands. Events of
-- lives that were rejected as orphans are read all the same: that they show
-- nothing follows here too, and what they replaced stays replaced.
records AS (
  SELECT e.tenant AS tenant, e.partition AS partition, e.entity AS entity,
    e.uid AS uid, toUnixTimestamp64Milli(e.time) AS t, toString(e.type) AS type, e.sequence AS sequence,
    e.replaces AS replaces, toUnixTimestamp64Milli(e.replaces_time) AS replaced_t, e.withdrawn AS withdrawn,
    e.texts AS texts, e.ints AS ints, toUnixTimestamp64Milli(c.now) AS now
  FROM nabz_internal.events AS e FINAL
  INNER JOIN clocks AS c ON c.partition = e.partition AND c.tenant = if({feed:String} = '', '', e.tenant)
  WHERE e.kind = {kind:String} AND e.feed = {feed:String} AND e.generation = {generation:Int64}
    AND ({tenant:String} = '' OR e.tenant = {tenant:String})
    AND e.offset < c.loaded
    AND cityHash64(e.entity) % {slices:UInt64} = {slice:UInt64}
    AND (e.tenant, e.partition, e.offset) NOT IN (
      SELECT tenant, partition, offset FROM nabz_internal.rejects FINAL
      WHERE feed = {feed:String} AND reason != 'orphan' AND cityHash64(entity) % {slices:UInt64} = {slice:UInt64})
  ORDER BY e.revision DESC, e.hash DESC
  LIMIT 1 BY e.tenant, e.partition, e.entity, e.uid, e.time
),

-- Those that apply: an event does not where it is a mere withdrawal, or where
-- another of its item replaces it.
members AS (
  SELECT m.tenant AS tenant, m.partition AS partition, m.entity AS entity, toString(m.uid) AS uid, m.t AS t, m.type AS type,
    transform(m.type, {types:Array(String)}, {ranks:Array(Int64)}, 1048576) AS rank, m.sequence AS sequence,
    has({openers:Array(String)}, m.type) AS opens, m.texts AS texts, m.ints AS ints, m.now AS now
  FROM records AS m
  LEFT JOIN (
    SELECT tenant, partition, entity, replaces AS uid, replaced_t, count() AS times
    FROM records
    WHERE replaces != toUUID('00000000-0000-0000-0000-000000000000')
    GROUP BY tenant, partition, entity, uid, replaced_t
  ) AS named ON named.tenant = m.tenant AND named.partition = m.partition AND named.entity = m.entity
    AND named.uid = m.uid AND named.replaced_t = m.t
  WHERE NOT m.withdrawn AND named.times = toUInt64(m.replaces = m.uid AND m.replaced_t = m.t)
)
