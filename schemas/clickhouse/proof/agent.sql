-- The facts of agents, made of raw events alone: a second, independent way to
-- the rows that the stream writes, for nabz verify. Written by hand; it shares
-- nothing with the stream but the catalogue (types, ranks) and the table of
-- timings, which are parameters. Rejects and progress are taken as given.
--
-- Only when an agent is there is folded, by arrayFold over all that shows it.
-- All else is windows over the numbers of those events: which contacts, pauses
-- and queues an agent has at each of them is how many intervals have begun less
-- how many are over, and a stay is a run of events at which nothing changes.
--
-- Parameters: those of members.sql; family (login_span, agent_state or
-- agent_pause: the rows to give), heartbeat and max_age (ms).
WITH
{{members.sql}},

-- What shows that an agent is there, numbered in order.
signs AS (
  SELECT (m.tenant, m.partition, m.entity) AS key, m.uid AS uid, m.t AS t, m.type AS type, m.now AS now,
    m.texts['queue_id'] AS queue, m.texts['contact_id'] AS contact, m.texts['reason'] AS reason,
    if(m.type IN ('agent.login', 'agent.state_changed', 'agent.heartbeat'), m.texts['state'], '') AS state,
    if(mapContains(m.ints, 'available'), m.ints['available'] != 0, state = 'available') AS available,
    if(startsWith(m.type, 'agent.'), m.texts['team_id'], '') AS team,
    toInt64(row_number() OVER (PARTITION BY key ORDER BY m.t, m.rank, m.sequence, m.uid)) AS n
  FROM members AS m
  WHERE startsWith(m.type, 'agent.') OR m.type IN ('contact.answered', 'contact.hold_started', 'contact.hold_ended',
    'contact.transferred', 'contact.ended', 'contact.wrapup_started', 'contact.wrapup_ended')
),

-- The log-in spans of each agent. What is known between two events:
--   here, beats    the agent is there; its source sends heartbeats
--   last           the last sign of life, ms
--   queues         those that it serves
--   presence       the number of the event with which it came
--   uid, since, by the span that goes on
--   spans          those that are over: before gives the number of the event
--                  before which they were
present AS (
  SELECT key, now, events, arrayFold((s, e) ->
    arrayMap((silent, h) ->
    arrayMap((arrives, queues, by) ->
    arrayMap(leaves -> CAST((
      (h OR arrives) AND NOT leaves,
      multiIf(e.type = 'agent.login' OR NOT h, false, e.type = 'agent.heartbeat', true, s.beats),
      e.t,
      if(leaves, [], queues),
      if(arrives, e.n, s.presence),
      if(arrives OR e.type = 'agent.login', e.uid, s.uid),
      if(arrives OR e.type = 'agent.login', e.t, s.since),
      by,
      arrayConcat(s.spans,
        if(silent, [(s.presence, s.uid, s.since, s.by, e.n, s.last, 'silence')], []),
        if(h AND e.type = 'agent.login', [(s.presence, s.uid, s.since, s.by, e.n, e.t, 'login')], []),
        if(leaves, [(s.presence, s.uid, s.since, s.by, e.n, e.t, if(e.type = 'agent.logout', 'logout', 'queue_left'))], []))),
      'Tuple(here Bool, beats Bool, last Int64, queues Array(String), presence Int64, uid String, since Int64, by String,
        spans Array(Tuple(presence Int64, uid String, since Int64, by String, before Int64, until Int64, ending String)))'),
    [h AND (e.type = 'agent.logout' OR e.type = 'agent.queue_left' AND by != 'login' AND empty(queues))])[1],

    [NOT h AND e.type IN ('agent.login', 'agent.state_changed', 'agent.paused', 'agent.unpaused', 'agent.queue_joined', 'contact.answered')],
    [multiIf(
      e.type = 'agent.queue_joined', arrayDistinct(arrayPushBack(if(h, s.queues, []), e.queue)),
      h, arrayFilter(q -> NOT (e.type = 'agent.queue_left' AND q = e.queue), s.queues),
      [])],
    [multiIf(e.type = 'agent.login', 'login', h, s.by, e.type = 'agent.queue_joined', 'queue_joined', 'inferred')])[1],

    [s.here AND e.t > s.last + if(s.beats, {heartbeat:Int64}, {max_age:Int64})],
    [s.here AND e.t <= s.last + if(s.beats, {heartbeat:Int64}, {max_age:Int64})])[1],

    events,
    CAST((false, false, 0, [], 0, '', 0, '', []), 'Tuple(here Bool, beats Bool, last Int64, queues Array(String), presence Int64, uid String,
      since Int64, by String, spans Array(Tuple(presence Int64, uid String, since Int64, by String, before Int64, until Int64, ending String)))')
  ) AS s,
  CAST(arrayConcat(s.spans, if(NOT s.here, [], [(s.presence, s.uid, s.since, s.by, toInt64(length(events)) + 1, s.last,
    if(s.last + if(s.beats, {heartbeat:Int64}, {max_age:Int64}) <= now, 'silence', 'open'))])),
    'Array(Tuple(presence Int64, uid String, since Int64, by String, before Int64, until Int64, ending String))') AS spans
  FROM (
    SELECT key, any(now) AS now, arraySort(groupArray(CAST((n, t, type, queue, uid, contact, reason, state, available, team),
      'Tuple(n Int64, t Int64, type String, queue String, uid String, contact String, reason String, state String, available Bool, team String)'))) AS events
    FROM signs
    GROUP BY key
  )
),

-- What is heard of an agent while it is there, with its team and state as they
-- then are: those that the last event said which says any. A heartbeat says
-- only what is new.
heard AS (
  SELECT *,
    argMaxIf(team, n, team != '') OVER w AS team_now,
    argMaxIf(state, n, says) OVER w AS state_now,
    argMaxIf(reason, n, says) OVER w AS reason_now,
    countIf(says) OVER w = 0 OR argMaxIf(available, n, says) OVER w AS available_now
  FROM (
    SELECT *, state != '' AND NOT (type = 'agent.heartbeat' AND state = argMaxIf(state, n, state != '') OVER (
      PARTITION BY key, presence ORDER BY n ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)) AS says
    FROM (
      SELECT key, e.n AS n, e.t AS t, e.uid AS uid, e.type AS type, e.queue AS queue, e.contact AS contact, e.reason AS reason,
        e.state AS state, e.available AS available, e.team AS team,
        arrayLast(x -> x.presence <= e.n, spans) AS p, p.presence AS presence, p.before AS gone, p.until AS until, p.ending AS ending
      FROM present
      ARRAY JOIN events AS e
      WHERE presence > 0 AND n < gone
    )
  )
  WINDOW w AS (PARTITION BY key, presence ORDER BY n ROWS UNBOUNDED PRECEDING)
),

-- Pauses. Per queue that was ever paused: its pauses, and all that lifts them.
-- A pause said again with its reason is the same pause.
pauses AS (
  SELECT key, presence, queue, uid, n, t, reason,
    if(next_n = 0, gone, next_n) AS before,
    if(next_n = 0, until, next_t) AS ended,
    multiIf(next_n = 0, ending, next_type = 'agent.paused', 'changed', next_type = 'agent.unpaused', 'unpaused', 'queue_left') AS ending
  FROM (
    SELECT *, leadInFrame(n) OVER w AS next_n, leadInFrame(t) OVER w AS next_t, leadInFrame(type) OVER w AS next_type
    FROM (
      SELECT *, type = 'agent.paused' AND row_number() OVER r > 1 AND lagInFrame(reason) OVER r = reason AS again
      FROM (
        SELECT *, countIf(type != 'agent.paused') OVER (PARTITION BY key, presence, queue ORDER BY n) AS lifts
        FROM (
          SELECT * EXCEPT (queue, paused), arrayJoin(multiIf(
            type = 'agent.paused', [queue],
            type = 'agent.unpaused', arrayFilter(q -> queue = '' OR q = '' OR q = queue, paused),
            arrayFilter(q -> q = queue, paused))) AS queue
          FROM (
            SELECT key, presence, queue, n, t, type, uid, reason, gone, until, ending,
              groupUniqArrayIf(queue, type = 'agent.paused') OVER (PARTITION BY key, presence) AS paused
            FROM heard
            WHERE type IN ('agent.paused', 'agent.unpaused', 'agent.queue_left')
          )
        )
      )
      WINDOW r AS (PARTITION BY key, presence, queue, lifts, type = 'agent.paused' ORDER BY n ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
    )
    WHERE NOT again
    WINDOW w AS (PARTITION BY key, presence, queue ORDER BY n ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
  )
  WHERE type = 'agent.paused'
),

-- What each event makes of its contact: from an answer on the agent has it,
-- from the beginning of the work after it that goes on, until what ends just
-- that. And by how much it changes how many queues are served.
turns AS (
  SELECT *,
    countIf(type IN ('contact.answered', 'contact.wrapup_started')) OVER (
      PARTITION BY key, presence, contact, about ORDER BY n ROWS UNBOUNDED PRECEDING) AS turn,
    lagInFrame(type) OVER (PARTITION BY key, presence, queue, about ORDER BY n ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS was
  FROM (
    SELECT *, multiIf(startsWith(type, 'contact.'), 'contact', type IN ('agent.queue_joined', 'agent.queue_left'), 'queue', 'agent') AS about
    FROM heard
  )
),
worked AS (
  SELECT *,
    if(about = 'queue', toInt64(type = 'agent.queue_joined' AND was != type) - toInt64(type = 'agent.queue_left' AND was = 'agent.queue_joined'), 0) AS serves,
    multiIf(about != 'contact' OR turn = 0, '',
      first_value(type) OVER t = 'contact.answered', if(countIf(type IN ('contact.ended', 'contact.transferred')) OVER t > 0, '', 'talk'),
      if(countIf(type = 'contact.wrapup_ended') OVER t > 0, '', 'wrapup')) AS phase
  FROM turns
  WINDOW t AS (PARTITION BY key, presence, contact, about, turn ORDER BY n ROWS UNBOUNDED PRECEDING)
),

-- How many of each there are at each event; and by queue, of what was last said
-- of its pause: the queues that are paused are those of which that was last.
counted AS (
  SELECT key, presence, until, ending, n, t, uid, team_now, state_now, reason_now, available_now,
    sum(toInt64(phase = 'talk') - toInt64(before = 'talk')) OVER w AS talks,
    sum(toInt64(phase = 'wrapup') - toInt64(before = 'wrapup')) OVER w AS wraps,
    sum(serves) OVER w AS serving,
    maxMapIf(map(queue, n), type = 'agent.paused') OVER w AS pauses,
    maxMapIf(map(queue, n), type = 'agent.unpaused') OVER w AS lifts,
    maxMapIf(map(queue, n), type = 'agent.queue_left') OVER w AS parts,
    maxIf(n, type = 'agent.unpaused') OVER w AS lift,
    arrayFilter(q -> pauses[q] > greatest(lifts[q], lifts[''], parts[q], if(q = '', lift, 0)), mapKeys(pauses)) AS paused,
    arrayMax(arrayMap(q -> pauses[q], paused)) AS newest
  FROM (
    SELECT *, lagInFrame(phase) OVER (PARTITION BY key, presence, contact, about ORDER BY n ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS before
    FROM worked
  )
  WINDOW w AS (PARTITION BY key, presence ORDER BY n ROWS UNBOUNDED PRECEDING)
),
stands AS (
  SELECT c.key AS key, presence, until, ending, c.n AS n, c.t AS t, c.uid AS uid, team_now, state_now,
    multiIf(talks > 0, 'contact', wraps > 0, 'wrapup', has(paused, '') OR notEmpty(paused) AND toInt64(length(paused)) >= serving, 'paused',
      available_now, 'available', 'unavailable') AS activity,
    if(activity = 'paused', r.reason, reason_now) AS why
  FROM counted AS c
  LEFT JOIN (SELECT key, n, reason FROM signs WHERE type = 'agent.paused') AS r ON r.key = c.key AND r.n = c.newest
),

-- Where a fact ended before an event, its team is that of the event before it.
teams AS (SELECT key, n + 1 AS before, team_now AS team FROM heard),

login_span AS (
  SELECT s.key.1 AS tenant, {feed:String} AS feed, {generation:Int64} AS generation, {epoch:Int64} AS epoch, s.key.2 AS partition, s.key.3 AS item,
    toUUID(s.uid) AS id, fromUnixTimestamp64Milli(s.since, 'UTC') AS opened_at,
    item AS agent,
    t.team AS team,
    s.by AS began,
    opened_at AS started_at,
    if(s.ending = 'open', NULL, fromUnixTimestamp64Milli(s.until, 'UTC')) AS ended_at,
    s.ending AS ending,
    if(s.ending = 'open', NULL, s.until - s.since) AS duration
  FROM (SELECT key, x.1 AS presence, x.2 AS uid, x.3 AS since, x.4 AS by, x.5 AS before, x.6 AS until, x.7 AS ending FROM present ARRAY JOIN spans AS x) AS s
  INNER JOIN teams AS t ON t.key = s.key AND t.before = s.before
),

agent_state AS (
  SELECT key.1 AS tenant, {feed:String} AS feed, {generation:Int64} AS generation, {epoch:Int64} AS epoch, key.2 AS partition, key.3 AS item,
    toUUID(uid) AS id, fromUnixTimestamp64Milli(t, 'UTC') AS opened_at,
    item AS agent,
    team_now AS team,
    state_now AS state,
    activity,
    why AS reason,
    opened_at AS started_at,
    if(next = 0 AND closing = 'open', NULL, fromUnixTimestamp64Milli(if(next = 0, until, next_t), 'UTC')) AS ended_at,
    if(next = 0, closing, 'changed') AS ending,
    if(next = 0 AND closing = 'open', NULL, if(next = 0, until, next_t) - t) AS duration
  FROM (
    SELECT *, leadInFrame(n) OVER w AS next, leadInFrame(t) OVER w AS next_t
    FROM (
      SELECT key, presence, until, ending AS closing, n, t, uid, team_now, state_now, activity, why,
        row_number() OVER p = 1 OR lagInFrame((team_now, state_now, activity, why)) OVER p != (team_now, state_now, activity, why) AS begins
      FROM stands
      WINDOW p AS (PARTITION BY key, presence ORDER BY n ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
    )
    WHERE begins
    WINDOW w AS (PARTITION BY key, presence ORDER BY n ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
  )
),

agent_pause AS (
  SELECT p.key.1 AS tenant, {feed:String} AS feed, {generation:Int64} AS generation, {epoch:Int64} AS epoch, p.key.2 AS partition, p.key.3 AS item,
    toUUID(p.uid) AS id, fromUnixTimestamp64Milli(p.t, 'UTC') AS opened_at,
    item AS agent,
    t.team AS team,
    p.queue AS queue,
    p.reason AS reason,
    opened_at AS started_at,
    if(p.ending = 'open', NULL, fromUnixTimestamp64Milli(p.ended, 'UTC')) AS ended_at,
    p.ending AS ending,
    if(p.ending = 'open', NULL, p.ended - p.t) AS duration
  FROM pauses AS p
  INNER JOIN teams AS t ON t.key = p.key AND t.before = p.before
)

SELECT * FROM {family:Identifier}
