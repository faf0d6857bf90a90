-- The facts of contacts, made of raw events alone: a second, independent way to
-- the rows that the stream writes, for nabz verify. Written by hand; it shares
-- nothing with the stream but the catalogue (types, ranks, openers) and the
-- table of timings, which are parameters. Rejects and progress are taken as
-- given.
--
-- An item's events are put in order and folded by arrayFold, which only decides
-- what each does to which segment and writes that into a journal; everything
-- that is counted or measured is then plain GROUP BY over the journal. Silence
-- is a step like any other: a life that was open for the greatest age when the
-- next event, or now, comes is lost at that age.
--
-- Parameters: those of members.sql; family (queue_segment, agent_segment or
-- contact: the rows to give), linger and max_age (ms).
WITH
-- What is known of an item between two of its events. A segment is named by
-- the number of the event that opened it, 0 is none.
--   first, last     numbers of the first and the newest event of the life
--   fresh           no queue and no agent had it yet, and nobody ended it
--   coming          it was created, and is nowhere yet
--   wait            the segment in which it waits, and its queue
--   answered        the newest queue segment that an agent answered, if none
--                   came after it, and its queue
--   moved           the segments that it left because it stood in the next
--                   queue, with no word on how: within one millisecond that
--                   word comes behind
--   dues            the segments that it left for an agent, of whom no event has
--                   told yet: within one millisecond that event comes behind
--   agents          the segments of agents, and how each stands
--   held, open      someone has the customer; anything goes on
--   since, over     since when something has gone on; when nothing did any more
--   left, lost      when nobody had the customer any more; it was given up
--   journal         what became of which segment when, and through which event
--   lives           the lives that are over; after the last step all of them
'Tuple(first UInt32, last UInt32, fresh Bool, coming Bool,
  wait UInt32, wait_queue String, answered UInt32, answered_queue String,
  moved Array(Tuple(seg UInt32, queue String, t Int64)), dues Array(Tuple(seg UInt32, queue String, t Int64)),
  agents Array(Tuple(seg UInt32, name String, stands String)),
  held Bool, open Bool, since Int64, over Int64, left Int64, lost Bool,
  journal Array(Tuple(seg UInt32, was String, became String, t Int64, queue String,
    type String, uid String, agent String, word String)),
  lives Array(Tuple(first UInt32, last UInt32, state String, left Int64,
    journal Array(Tuple(seg UInt32, was String, became String, t Int64, queue String,
      type String, uid String, agent String, word String)))))' AS State,

-- What an event makes of an agent's segment that it is about.
[
  ('contact.hold_started',   'talking', 'held'),
  ('contact.hold_ended',     'held',    'talking'),
  ('contact.transferred',    'talking', 'ended'),
  ('contact.transferred',    'held',    'ended'),
  ('contact.ended',          'talking', 'ended'),
  ('contact.ended',          'held',    'ended'),
  ('contact.wrapup_started', 'talking', 'wrapup'),
  ('contact.wrapup_started', 'held',    'wrapup'),
  ('contact.wrapup_started', 'ended',   'wrapup'),
  ('contact.wrapup_ended',   'wrapup',  'done'),
  ('contact.wrapup_ended',   'ended',   'done'),
  ('silence',                'talking', 'lost'),
  ('silence',                'held',    'lost'),
  ('silence',                'wrapup',  'lost')
] AS moves,
arrayMap(m -> concat(m.1, ' ', m.2), moves) AS befores,
arrayMap(m -> m.3, moves) AS afters,

{{members.sql}},

-- Each item with its events, in order.
items AS (
  SELECT m.tenant AS tenant, m.partition AS partition, m.entity AS item, any(m.now) AS now,
    arraySort(groupArray(CAST((
      m.t, m.rank, m.sequence, m.uid, m.type, m.opens, m.texts['queue_id'], m.texts['agent_id'],
      multiIf(m.type = 'contact.ended', m.texts['by'], m.type = 'contact.transferred', m.texts['mode'], m.texts['outcome']),
      multiIf(
        m.type IN ('contact.queued', 'contact.not_offered'), 'flow_out',
        m.type = 'contact.dequeued', if(m.texts['outcome'] = '', 'system', m.texts['outcome']),
        m.type = 'contact.answered', 'answered',
        m.type = 'contact.transferred', 'transferred',
        m.type = 'contact.callback_scheduled', 'callback',
        m.type = 'contact.ended', transform(m.texts['by'],
          ['agent', 'system', 'network', 'transfer'], ['system', 'system', 'system', 'transferred'], 'abandoned'),
        ''),
      m.texts['channel'], m.texts['direction'], m.texts['customer_id']
    ), 'Tuple(t Int64, rank Int64, sequence Int64, uid String, type String, opens Bool, queue String, agent String,
      word String, leaves String, channel String, direction String, customer String)'))) AS events
  FROM members AS m
  GROUP BY m.tenant, m.partition, m.entity
),

-- The steps of each item: before each event the silence and the gap that it
-- ends, where either can be long enough to matter, and then itself; at last the
-- silence until now and the end of the story.
steps AS (
  SELECT tenant, partition, item, events, CAST(arrayConcat(
    arrayFlatten(arrayMap((e, n, first) -> arrayConcat(
      if(e.t - first > {max_age:Int64}, [(toUInt32(0), e.t, 'silence', '', '', '', '', 'lost')], []),
      if(e.t - first > {linger:Int64}, [(toUInt32(0), e.t, 'gap', '', '', '', '', '')], []),
      [(toUInt32(n), e.t, e.type, e.uid, e.queue, e.agent, e.word, e.leaves)]),
      events, arrayEnumerate(events), arrayWithConstant(length(events), events[1].t))),
    [(toUInt32(0), now + 1, 'silence', '', '', '', '', 'lost'), (toUInt32(0), now + 1, 'end', '', '', '', '', '')]),
    'Array(Tuple(n UInt32, t Int64, type String, uid String, queue String, agent String, word String, leaves String))') AS steps
  FROM items
),

-- arrayMap over arrays of one element gives names to values that are used more
-- than once: the names stand before its body, the values behind it.
folded AS (
  SELECT tenant, partition, item, events, arrayFold((s, e) -> multiIf(

    -- Over for longer than the linger, or told to its end: the life is closed.
    e.type = 'end' AND s.first > 0 OR e.type = 'gap' AND s.first > 0 AND NOT s.open AND e.t > s.over + {linger:Int64},
    CAST((0, 0, true, false, 0, '', 0, '', [], [], [], false, false, 0, 0, 0, false, [(0, '', '', 0, '', '', '', '', '')], arrayPushBack(s.lives,
      (s.first, s.last, multiIf(s.lost, 'lost', s.held, 'open', 'closed'), s.left, s.journal))), State),

    e.type IN ('gap', 'end') OR e.type = 'silence' AND NOT (s.open AND s.since + {max_age:Int64} < e.t), s,

    arrayMap((at, live, newest) ->
    arrayMap((only, enters) ->
    arrayMap(names ->
    arrayMap(amends ->
    arrayMap((leaves, about, begins) ->
    arrayMap((coming, wait, agents) ->
    arrayMap((held, open) -> CAST((
      if(s.first = 0, e.n, s.first),
      greatest(s.last, e.n),
      s.fresh AND NOT enters AND e.type != 'contact.answered' AND NOT (e.type = 'contact.ended' AND NOT only),
      coming,
      wait,
      multiIf(wait = 0, '', wait = s.wait, s.wait_queue, e.queue),
      multiIf(enters, 0, leaves = '', s.answered, leaves = 'answered', s.wait, 0),
      if(leaves = 'answered', s.wait_queue, s.answered_queue),
      arrayConcat(arrayFilter(m -> m.seg != amends, s.moved), if(enters AND s.wait > 0, [(s.wait, s.wait_queue, e.t)], [])),
      arrayConcat(arrayFilter(m -> m.seg != names, s.dues),
        if(e.type = 'contact.dequeued' AND e.leaves = 'answered' AND (amends > 0 OR leaves != ''),
          [if(amends > 0, (amends, arrayFirst(m -> m.seg = amends, s.moved).queue, e.t), (s.wait, s.wait_queue, e.t))], [])),
      agents,
      held,
      open,
      if(s.first = 0 OR open AND NOT s.open, at, s.since),
      if(NOT open AND (s.open OR s.over = 0), at, s.over),
      if(NOT held AND (s.held OR s.left = 0), at, s.left),
      multiIf(e.type = 'silence', s.lost OR s.held, open AND NOT s.open, false, s.lost),
      arrayConcat(s.journal,
        if(amends = 0, [], [(amends, 'flow_out', e.leaves, at, '', e.type, '', e.agent, '')]),
        if(leaves = '', [], [(s.wait, 'waiting', leaves, at, '', e.type, '', e.agent, '')]),
        if(enters, [(e.n, '', 'waiting', at, e.queue, e.type, e.uid, '', '')], []),
        if(e.type = 'contact.not_offered', [(e.n, 'waiting', if(e.word = '', 'full', e.word), at, '', e.type, '', '', '')], []),
        if(names = 0, [], [(names, 'answered', 'answered', at, '', e.type, '', e.agent, '')]),
        if(e.type = 'contact.answered' AND leaves = '' AND amends = 0 AND names = 0 AND s.answered > 0,
          [(s.answered, 'answered', 'answered', at, '', e.type, '', e.agent, '')], []),
        arrayFilter(j -> j.2 != j.3, arrayMap((was, became) -> (was.seg, was.stands, became.stands, at, '', e.type, '', '', e.word),
          s.agents, arraySlice(agents, 1, length(s.agents)))),
        if(begins, [(e.n, '', 'talking', at, multiIf(leaves = 'answered', s.wait_queue, names > 0, arrayFirst(m -> m.seg = names, s.dues).queue, e.queue = '' AND s.answered > 0, s.answered_queue, e.queue),
          e.type, e.uid, e.agent, '')], [])),
      s.lives), State),

    [coming OR wait > 0 OR hasAny(agents.stands, ['talking', 'held'])],
    [coming OR wait > 0 OR hasAny(agents.stands, ['talking', 'held', 'wrapup'])])[1],

    [multiIf(
      e.type = 'contact.created', s.fresh,
      e.leaves != '', false,
      s.coming)],
    [multiIf(e.type = 'contact.queued', e.n, leaves != '', 0, s.wait)],
    [CAST(arrayConcat(
      arrayMap(a -> (a.seg, a.name, if(has(about, a.seg), transform(concat(e.type, ' ', a.stands), befores, afters, a.stands), a.stands)), s.agents),
      if(begins, [(e.n, e.agent, 'talking')], [])), 'Array(Tuple(seg UInt32, name String, stands String))')])[1],

    -- How the wait ends, if it does: a queue that is named must be that one.
    [if(s.wait > 0 AND amends = 0 AND names = 0 AND NOT only AND (enters OR e.type IN ('contact.ended', 'silence') OR e.queue IN ('', s.wait_queue)), e.leaves, '')],
    -- Which agents' segments it is about, and whether one begins.
    [multiIf(
      e.type IN ('contact.wrapup_started', 'contact.wrapup_ended'), [newest],
      e.type = 'silence' OR e.type = 'contact.ended' AND NOT only, s.agents.seg,
      [live])],
    [e.type = 'contact.answered' AND NOT arrayExists(a -> a.stands IN ('talking', 'held') AND a.name = e.agent, s.agents)])[1],

    -- The segment whose end it tells after the next has begun, if it does: an
    -- answer must name it, for else it is about the newest.
    [multiIf(
      e.type IN ('contact.dequeued', 'contact.callback_scheduled') OR e.type = 'contact.transferred' AND NOT only,
      arrayFirst(m -> m.t = e.t AND e.queue IN ('', m.queue), s.moved).seg,
      e.type = 'contact.answered' AND names = 0 AND e.queue != '' AND NOT (s.wait > 0 AND e.queue = s.wait_queue),
      arrayFirst(m -> m.t = e.t AND m.queue = e.queue, s.moved).seg,
      0)])[1],

    -- The segment that was left for the agent of whom it tells, if one was.
    [if(e.type = 'contact.answered', arrayFirst(m -> m.t = e.t AND e.queue IN ('', m.queue), s.dues).seg, 0)])[1],

    -- Only one agent's part ends; it enters a queue.
    [live > 0 AND (e.type = 'contact.transferred' OR e.type = 'contact.ended' AND e.agent != '')],
    [e.type IN ('contact.queued', 'contact.not_offered')])[1],

    -- When it shows; of the agents' segments that it may mean the newest that
    -- goes on, and the newest of all.
    [if(e.type = 'silence', s.since + {max_age:Int64}, e.t)],
    [arrayLast(a -> a.stands IN ('talking', 'held') AND e.agent IN ('', a.name), s.agents).seg],
    [arrayLast(a -> e.agent IN ('', a.name), s.agents).seg])[1]),

    steps, CAST((0, 0, true, false, 0, '', 0, '', [], [], [], false, false, 0, 0, 0, false, [(0, '', '', 0, '', '', '', '', '')], []), State)).lives AS lives
  FROM steps
),

-- The lives that have an opener: the others show nothing.
lives AS (
  SELECT tenant, partition, item, l.first AS life, l.state AS state, l.left AS left, l.journal AS journal,
    arraySlice(events, l.first, l.last - l.first + 1) AS story,
    story[1].uid AS uid, story[1].t AS began,
    arrayFirst(word -> word != '', story.channel) AS channel,
    arrayFirst(word -> word != '', story.direction) AS direction,
    arrayFirst(word -> word != '', story.customer) AS customer,
    arrayLast(e -> e.type = 'contact.ended', story).word AS ended_by,
    countEqual(story.type, 'contact.transferred') AS transfers
  FROM folded
  ARRAY JOIN lives AS l
  WHERE has(story.opens, true)
),

-- One row for each segment, told by its entries of the journal, and one with
-- segment 0 for each life.
segments AS (
  SELECT tenant, partition, item, life, j.seg AS seg,
    any(l.state) AS state, any(l.left) AS left, any(l.uid) AS life_uid, any(l.began) AS began, any(l.channel) AS channel,
    any(l.direction) AS direction, any(l.customer) AS customer, any(l.ended_by) AS life_ended_by, any(l.transfers) AS transfers,
    argMin(j.type, k) IN ('contact.queued', 'contact.not_offered') AS is_queue,
    argMin(j.type, k) = 'contact.answered' AS is_agent,
    argMin(j.uid, k) AS uid, argMin(j.t, k) AS opened, argMin(j.queue, k) AS queue, argMin(j.agent, k) AS agent,
    argMax(j.became, k) AS stands,
    maxOrNullIf(j.t, j.was = 'waiting' AND j.became != 'lost') AS unqueued,
    argMinIf(j.agent, k, j.type = 'contact.answered' AND j.became = 'answered' AND j.agent != '') AS answered_by,
    maxOrNullIf(j.t, j.was IN ('talking', 'held') AND j.became IN ('ended', 'wrapup')) AS parted,
    argMaxIf((j.type, j.word), k, j.was IN ('talking', 'held') AND j.became IN ('ended', 'wrapup')) AS parting,
    countIf(j.became = 'held') AS holds,
    sumIf(j.t, j.was = 'held') - sumIf(j.t, j.became = 'held') AS hold,
    maxOrNullIf(j.t, j.became = 'done') AS wrapped,
    wrapped - ifNull(maxOrNullIf(j.t, j.became = 'wrapup'), parted) AS wrapup
  FROM (
    SELECT * EXCEPT (journal, story), j, k
    FROM lives
    ARRAY JOIN journal AS j, arrayEnumerate(journal) AS k
  ) AS l
  GROUP BY tenant, partition, item, life, seg
),

queue_segment AS (
  SELECT tenant, {feed:String} AS feed, {generation:Int64} AS generation, {epoch:Int64} AS epoch, partition, item,
    toUUID(uid) AS id, fromUnixTimestamp64Milli(opened, 'UTC') AS opened_at,
    queue,
    channel,
    row_number() OVER (PARTITION BY tenant, partition, item, life, queue ORDER BY seg) AS nth,
    opened_at AS enqueued_at,
    fromUnixTimestamp64Milli(unqueued, 'UTC') AS left_at,
    stands AS outcome,
    unqueued - opened AS wait,
    answered_by AS agent
  FROM segments
  WHERE is_queue
),

agent_segment AS (
  SELECT tenant, {feed:String} AS feed, {generation:Int64} AS generation, {epoch:Int64} AS epoch, partition, item,
    toUUID(uid) AS id, fromUnixTimestamp64Milli(opened, 'UTC') AS opened_at,
    agent,
    queue,
    channel,
    opened_at AS started_at,
    fromUnixTimestamp64Milli(parted, 'UTC') AS ended_at,
    if(stands = 'done', 'ended', stands) AS state,
    parted - opened - s.hold AS talk,
    if(parted IS NULL, NULL, s.hold) AS hold,
    holds,
    multiIf(stands = 'done', s.wrapup, stands = 'ended', 0, NULL) AS wrapup,
    fromUnixTimestamp64Milli(wrapped, 'UTC') AS wrapup_ended_at,
    multiIf(parting.1 = 'contact.transferred', 'transfer', parting.1 = 'contact.wrapup_started', 'agent', parting.2) AS ended_by,
    if(parting.1 = 'contact.transferred', parting.2, '') AS transfer
  FROM segments AS s
  WHERE is_agent
),

contact AS (
  SELECT tenant, {feed:String} AS feed, {generation:Int64} AS generation, {epoch:Int64} AS epoch, partition, item,
    toUUID(any(life_uid)) AS id, fromUnixTimestamp64Milli(any(began), 'UTC') AS opened_at,
    argMinIf(s.queue, seg, is_queue) AS queue,
    any(s.channel) AS channel,
    any(s.direction) AS direction,
    any(s.customer) AS customer,
    opened_at AS started_at,
    if(state = 'closed', fromUnixTimestamp64Milli(any(left), 'UTC'), NULL) AS ended_at,
    any(s.state) AS state,
    if(agents > 0, 'answered', argMaxIf(stands, seg, is_queue)) AS outcome,
    any(life_ended_by) AS ended_by,
    countIf(is_queue) AS queues,
    countIf(is_agent) AS agents,
    any(s.transfers) AS transfers,
    ifNull(sumIf(unqueued - opened, is_queue), 0) AS wait,
    ifNull(sumIf(parted - opened - s.hold, is_agent), 0) AS talk,
    sumIf(s.hold, parted IS NOT NULL) AS hold,
    ifNull(sum(s.wrapup), 0) AS wrapup
  FROM segments AS s
  GROUP BY tenant, partition, item, life
)

SELECT * FROM {family:Identifier}
