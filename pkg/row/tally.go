package row

// Tally is what one collector took of one tenant in one minute, by its own
// count: what must be found again behind it. Key: Tenant, Collector, Minute;
// the greater Version wins.
type Tally struct {
	Tenant    string
	Collector string // names one start of one process
	Minute    int64  // start of the minute of receipt, ms since 1970 UTC
	Events    int64  // accepted
	Records   int64  // acknowledged by Kafka: one for each entity that an event concerns
	// DeadLetters are events that were refused and kept, Refused those that
	// the key may not send.
	DeadLetters int64
	Refused     int64
	// Unacknowledged are records and dead letters of which it is not known
	// whether Kafka has them: their senders were told to send again.
	Unacknowledged int64
	Version        int64 // of the count, from 1
}

func (*Tally) row() {}

func (r *Tally) append(b []byte) []byte {
	b = text(b, 1, r.Tenant)
	b = text(b, 2, r.Collector)
	b = num(b, 3, r.Minute)
	b = num(b, 4, r.Events)
	b = num(b, 5, r.Records)
	b = num(b, 6, r.DeadLetters)
	b = num(b, 7, r.Refused)
	b = num(b, 8, r.Unacknowledged)
	return num(b, 9, r.Version)
}

func (r *Tally) set(n int32, v int64, s string) {
	switch n {
	case 1:
		r.Tenant = s
	case 2:
		r.Collector = s
	case 3:
		r.Minute = v
	case 4:
		r.Events = v
	case 5:
		r.Records = v
	case 6:
		r.DeadLetters = v
	case 7:
		r.Refused = v
	case 8:
		r.Unacknowledged = v
	case 9:
		r.Version = v
	}
}
