package incident

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/nabz/nabz/pkg/row"
)

// summary says in one line what happened. Items are named in full: a summary
// is an annotation and not what an incident is known by.
func summary(title Words, i *Incident) Words {
	where := ""
	if q := i.Labels["queue"]; q != "" {
		where = q
	}
	switch {
	case i.Kind != row.Threshold:
		en := fmt.Sprintf("%s: %s is past its deadline of %s", title.EN, i.Item, span(i.Target))
		fa := fmt.Sprintf("%s: مهلت %s ثانیه‌ای %s گذشت", title.FA, persian(seconds(i.Target)), i.Item)
		if where != "" {
			en += " in " + where
			fa += " در " + where
		}
		return Words{EN: en, FA: fa}
	case i.Cause == row.NoData:
		return Words{EN: about(title.EN, i.Item) + ": no data", FA: about(title.FA, i.Item) + ": داده‌ای نمی‌رسد"}
	}
	v, b := number(*i.Value), number(*i.Bound)
	return Words{
		EN: fmt.Sprintf("%s is %s, beyond its threshold of %s", about(title.EN, i.Item), v, b),
		FA: fmt.Sprintf("%s برابر %s است و از آستانهٔ %s گذشته است", about(title.FA, i.Item), persian(v), persian(b)),
	}
}

func overflowWords(most int) Words {
	return Words{
		EN: fmt.Sprintf("More than %d incidents are open; further ones are not told one by one", most),
		FA: fmt.Sprintf("بیش از %s رخداد باز است؛ بقیه تک‌تک گزارش نمی‌شوند", persian(strconv.Itoa(most))),
	}
}

func about(title, item string) string {
	if item == "" {
		return title
	}
	return title + " (" + item + ")"
}

func number(v float64) string { return strconv.FormatFloat(math.Round(v*1000)/1000, 'f', -1, 64) }

// persian writes a number in Persian digits.
func persian(number string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case '0' <= r && r <= '9':
			return '۰' + r - '0'
		case r == '.':
			return '٫'
		}
		return r
	}, number)
}

func seconds(ms int64) string { return number(float64(ms) / 1000) }

// span writes 90,000 ms as 1m30s.
func span(ms int64) string {
	if ms < 60_000 {
		return seconds(ms) + "s"
	}
	var b strings.Builder
	for _, u := range []struct {
		ms   int64
		name string
	}{{3_600_000, "h"}, {60_000, "m"}} {
		if n := ms / u.ms; n > 0 {
			fmt.Fprintf(&b, "%d%s", n, u.name)
			ms -= n * u.ms
		}
	}
	if ms > 0 {
		b.WriteString(seconds(ms) + "s")
	}
	return b.String()
}
