package asterisk

import (
	"strconv"
	"strings"

	"github.com/nabz/nabz/pkg/source"
)

// verb is what a row's event needs and does. One that does nothing is known
// and tells nothing that is counted.
type verb struct {
	call, queue, agent bool
	do                 func(*Translator, *line)
}

var verbs = map[string]verb{
	"DID":              {call: true, do: (*Translator).did},
	"ENTERQUEUE":       {call: true, queue: true, do: (*Translator).enter},
	"CONNECT":          {call: true, queue: true, agent: true, do: (*Translator).connect},
	"COMPLETEAGENT":    {call: true, queue: true, agent: true, do: func(t *Translator, l *line) { t.complete(l, "agent") }},
	"COMPLETECALLER":   {call: true, queue: true, agent: true, do: func(t *Translator, l *line) { t.complete(l, "customer") }},
	"ABANDON":          {call: true, queue: true, do: func(t *Translator, l *line) { t.exit(l, "abandoned", 3) }},
	"EXITWITHTIMEOUT":  {call: true, queue: true, do: func(t *Translator, l *line) { t.exit(l, "timeout", 3) }},
	"EXITEMPTY":        {call: true, queue: true, do: func(t *Translator, l *line) { t.exit(l, "exit_empty", 3) }},
	"EXITWITHKEY":      {call: true, queue: true, do: func(t *Translator, l *line) { t.exit(l, "exit_key", 4) }},
	"WITHDRAW":         {call: true, queue: true, do: func(t *Translator, l *line) { t.exit(l, "withdrawn", 3) }},
	"LEAVEEMPTY":       {call: true, queue: true, do: (*Translator).leaveEmpty},
	"TRANSFER":         {call: true, queue: true, agent: true, do: func(t *Translator, l *line) { t.transfer(l, "blind", 3) }},
	"BLINDTRANSFER":    {call: true, queue: true, agent: true, do: func(t *Translator, l *line) { t.transfer(l, "blind", 3) }},
	"ATTENDEDTRANSFER": {call: true, queue: true, agent: true, do: (*Translator).attended},
	"RINGNOANSWER":     {call: true, queue: true, agent: true, do: func(t *Translator, l *line) { t.rang(l, "missed") }},
	"RINGCANCELED":     {call: true, queue: true, agent: true, do: func(t *Translator, l *line) { t.rang(l, "canceled") }},
	"AGENTDUMP":        {call: true, agent: true, do: func(t *Translator, l *line) { t.rang(l, "rejected") }},
	"SYSCOMPAT":        {call: true, do: (*Translator).incompatible},
	"HOLD":             {call: true, agent: true, do: func(t *Translator, l *line) { t.hold(l, "hold_started") }},
	"UNHOLD":           {call: true, agent: true, do: func(t *Translator, l *line) { t.hold(l, "hold_ended") }},
	"WRAPUPSTART":      {call: true, agent: true, do: (*Translator).wrapup},
	"OUTCALL":          {call: true, do: (*Translator).outcall},

	"FULL":            {call: true, queue: true, do: func(t *Translator, l *line) { t.refused(l, "full") }},
	"JOINEMPTY":       {call: true, queue: true, do: func(t *Translator, l *line) { t.refused(l, "join_empty") }},
	"JOINUNAVAIL":     {call: true, queue: true, do: func(t *Translator, l *line) { t.refused(l, "join_empty") }},
	"CLOSED":          {call: true, queue: true, do: func(t *Translator, l *line) { t.refused(l, "closed") }},
	"DIVERT_CA_RATIO": {call: true, queue: true, do: func(t *Translator, l *line) { t.refused(l, "full") }},
	"DIVERT_HOLDTIME": {call: true, queue: true, do: func(t *Translator, l *line) { t.refused(l, "full") }},

	"ADDMEMBER":           {queue: true, agent: true, do: (*Translator).joined},
	"REMOVEMEMBER":        {queue: true, agent: true, do: func(t *Translator, l *line) { t.ofAgent("queue_left", l.at, source.Text("queue_id", l.queue)) }},
	"PAUSE":               {agent: true, do: func(t *Translator, l *line) { t.pause(l, "paused") }},
	"UNPAUSE":             {agent: true, do: func(t *Translator, l *line) { t.pause(l, "unpaused") }},
	"PAUSEALL":            {agent: true, do: func(t *Translator, l *line) { t.pause(l, "paused") }},
	"UNPAUSEALL":          {agent: true, do: func(t *Translator, l *line) { t.pause(l, "unpaused") }},
	"AGENTLOGIN":          {agent: true, do: (*Translator).login},
	"AGENTCALLBACKLOGIN":  {agent: true, do: (*Translator).login},
	"AGENTLOGOFF":         {agent: true, do: (*Translator).logoff},
	"AGENTCALLBACKLOGOFF": {agent: true, do: (*Translator).logoff},
	"QUEUESTART":          {do: (*Translator).restarted},

	"CONFIGRELOAD": {}, "PENALTY": {}, "RINGINUSE": {}, "PAUSEREASON": {}, "INFO": {}, "QUEUEUPDATE": {},
}

func (t *Translator) did(l *line) {
	t.contact(t.of(l, t.place), "created", l.at, source.Text("called", l.d(1)))
}

// enter is a call that enters a queue: url|callerid|position, of which older
// versions leave the last out or turn the last two round.
func (t *Translator) enter(l *line) {
	c := t.of(l, t.place)
	if c.guessed && c.queue == l.queue && l.at-c.queued < guessSlack {
		c.guessed = false
		return // its CONNECT was logged before it, and has told of the entry
	}
	caller, position := l.d(2), l.d(3)
	if short(caller) && len(position) > len(caller) {
		caller, position = position, caller
	}
	var data []source.Member
	if n, err := strconv.ParseInt(position, 10, 32); err == nil {
		data = append(data, source.Member{Name: "queue_position", JSON: strconv.FormatInt(n, 10)})
	}
	if known(caller) {
		data = append(data, source.Text("caller", caller), source.Text("customer_id", caller))
	}
	c.queue, c.queued, c.waiting, c.guessed = l.queue, l.at, true, false
	t.contact(c, "queued", l.at, append([]source.Member{source.Text("queue_id", l.queue)}, data...)...)
}

// guessSlack is by how much a CONNECT may stand before its ENTERQUEUE.
const guessSlack = 5_000

func short(s string) bool {
	n, err := strconv.Atoi(s)
	return err == nil && n >= 0 && n < 1000
}

func known(caller string) bool {
	switch strings.ToLower(caller) {
	case "", "unknown", "<unknown>", "anonymous", "restricted", "unavailable", "none":
		return false
	}
	return true
}

// entered makes sure that the call stands in the queue: where its entry was not
// seen it is worked out of how long it is said to have been ago.
func (t *Translator) entered(c *call, l *line, at int64) {
	if c.waiting && c.queue == l.queue {
		return
	}
	c.queue, c.queued, c.waiting, c.guessed = l.queue, at, true, true
	t.contact(c, "queued", at, source.Text("queue_id", l.queue))
}

// connect is an answer: holdtime|uniqueid of the agent's channel|ringtime.
func (t *Translator) connect(l *line) {
	c := t.of(l, t.place)
	wait, _ := l.seconds(1)
	t.entered(c, l, l.at-wait)
	at := max(l.at, c.queued) // some rows stand before their ENTERQUEUE
	if ring, ok := l.seconds(3); ok {
		t.contact(c, "offered", max(at-ring, c.queued), source.Text("agent_id", l.agent), source.Text("queue_id", l.queue))
	}
	t.answer(c, l, at)
}

func (t *Translator) answer(c *call, l *line, at int64) {
	t.contact(c, "dequeued", at, source.Text("outcome", "answered"), source.Text("queue_id", l.queue), source.Text("agent_id", l.agent))
	t.contact(c, "answered", at, source.Text("agent_id", l.agent), source.Text("queue_id", l.queue))
	c.waiting, c.agent, c.answered = false, l.agent, at
}

// connected makes sure that the agent has the call: where its CONNECT was not
// seen it is worked out of the hold and talk times that a later row tells.
func (t *Translator) connected(c *call, l *line, hold, talk int64) {
	if c.answered != 0 && c.agent == l.agent {
		return
	}
	t.entered(c, l, l.at-talk-hold)
	t.answer(c, l, max(l.at-talk, c.queued))
}

// complete is the end of a call: holdtime|calltime|position.
func (t *Translator) complete(l *line, by string) {
	c := t.of(l, t.place)
	hold, _ := l.seconds(1)
	talk, _ := l.seconds(2)
	t.connected(c, l, hold, talk)
	t.contact(c, "ended", max(l.at, c.answered), source.Text("by", by), source.Text("agent_id", l.agent), source.Text("queue_id", l.queue))
	t.end(c)
}

// exit is a wait that ends without an answer; word n of the data is the wait.
func (t *Translator) exit(l *line, outcome string, n int) {
	c := t.of(l, t.place)
	if wait, ok := l.seconds(n); ok {
		t.entered(c, l, l.at-wait)
	} else {
		t.entered(c, l, l.at)
	}
	t.contact(c, "dequeued", max(l.at, c.queued), source.Text("outcome", outcome), source.Text("queue_id", l.queue))
	t.end(c)
}

// leaveEmpty is an exit where the call waits, and a refusal where it does not.
func (t *Translator) leaveEmpty(l *line) {
	if c := t.calls[l.call]; c != nil && c.waiting {
		t.exit(l, "exit_empty", 3)
		return
	}
	t.refused(l, "join_empty")
}

func (t *Translator) refused(l *line, outcome string) {
	c := t.of(l, t.place)
	t.contact(c, "not_offered", l.at, source.Text("queue_id", l.queue), source.Text("outcome", outcome))
	t.end(c)
}

// transfer is an agent who passes the call on: exten|context|hold|call|position,
// where word n is the hold time and the next the talk time.
func (t *Translator) transfer(l *line, mode string, n int) {
	c := t.of(l, t.place)
	hold, _ := l.seconds(n)
	talk, _ := l.seconds(n + 1)
	t.connected(c, l, hold, talk)
	t.contact(c, "transferred", max(l.at, c.answered), source.Text("mode", mode), source.Text("agent_id", l.agent), source.Text("queue_id", l.queue))
	t.end(c)
}

// attended: with LINK the words stand one further (app_queue.c).
func (t *Translator) attended(l *line) {
	if strings.EqualFold(l.d(1), "LINK") {
		t.transfer(l, "attended", 4)
		return
	}
	t.transfer(l, "attended", 3)
}

// rang is an agent's device that rang in vain, for d1 milliseconds.
func (t *Translator) rang(l *line, outcome string) {
	c := t.of(l, t.place)
	agent, queue := source.Text("agent_id", l.agent), source.Text("queue_id", l.queue)
	if ring, err := strconv.ParseInt(l.d(1), 10, 32); err == nil && ring >= 0 {
		t.contact(c, "offered", l.at-ring, agent, queue)
	}
	t.contact(c, "offer_ended", l.at, agent, queue, source.Text("outcome", outcome))
}

// incompatible: the call was answered and no codec fitted.
func (t *Translator) incompatible(l *line) {
	c := t.of(l, t.place)
	t.contact(c, "ended", l.at, source.Text("by", "system"), source.Text("queue_id", l.queue))
	t.end(c)
}

func (t *Translator) hold(l *line, typ string) {
	t.contact(t.of(l, t.place), typ, l.at, source.Text("agent_id", l.agent), source.Text("queue_id", l.queue))
}

// wrapup is after-contact work of d1 seconds. The call itself is over.
func (t *Translator) wrapup(l *line) {
	c := t.of(l, t.place)
	t.contact(c, "wrapup_started", l.at, source.Text("agent_id", l.agent))
	if span, ok := l.seconds(1); ok {
		t.contact(c, "wrapup_ended", l.at+span, source.Text("agent_id", l.agent))
	}
	t.end(c)
}

// outcall is the result of a call to a customer: status|talktime.
func (t *Translator) outcall(l *line) {
	c := t.of(l, t.place)
	talk, _ := l.seconds(2)
	t.contact(c, "created", l.at-talk, source.Text("direction", "outbound"), source.Text("queue_id", l.queue))
	if strings.EqualFold(l.d(1), "ANSWER") || strings.EqualFold(l.d(1), "ANSWERED") {
		t.contact(c, "answered", l.at-talk, source.Text("agent_id", l.agent))
	}
	t.contact(c, "ended", l.at, source.Text("agent_id", l.agent))
	t.end(c)
}

func (t *Translator) joined(l *line) {
	queue := source.Text("queue_id", l.queue)
	t.ofAgent("queue_joined", l.at, queue)
	if strings.EqualFold(l.d(1), "PAUSED") {
		t.ofAgent("paused", l.at, queue)
	}
}

func (t *Translator) pause(l *line, typ string) {
	t.ofAgent(typ, l.at, source.Text("queue_id", l.queue), source.Text("reason", l.d(1)))
}

// maxLogins bounds the agents who are remembered as logged in.
const maxLogins = 100_000

func (t *Translator) login(l *line) {
	t.ofAgent("login", l.at)
	if len(t.logins) < maxLogins {
		t.logins[l.agent] = l.at
	}
}

// logoff tells how long the agent was there, word 2: a login that was not seen
// is worked out of it.
func (t *Translator) logoff(l *line) {
	if span, ok := l.seconds(2); ok && t.logins[l.agent] == 0 {
		t.ofAgent("login", l.at-span)
	}
	t.ofAgent("logout", l.at)
	delete(t.logins, l.agent)
}

// restarted ends every call that is open: the PBX began anew and will never
// tell of their ends.
func (t *Translator) restarted(l *line) {
	row := l.text
	for _, c := range t.open() {
		at := max(l.at, c.at)
		l.text, t.made = row+"|"+c.id, 0 // whichever other calls are known
		if c.waiting {
			t.contact(c, "dequeued", at, source.Text("outcome", "system"), source.Text("queue_id", c.queue))
		} else {
			t.contact(c, "ended", at, source.Text("by", "system"), source.Text("agent_id", c.agent))
		}
	}
	clear(t.calls)
	t.over = nil
}
