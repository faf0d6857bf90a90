package mapping

import (
	"strconv"
	"strings"
	"time"

	"github.com/nabz/nabz/pkg/event"
)

// persianLetters are the Arabic letters that keyboards and old systems put in
// place of the Persian ones.
var persianLetters = strings.NewReplacer("ي", "ی", "ى", "ی", "ك", "ک", "ة", "ه", "ۀ", "ه")

var latinDigits = strings.NewReplacer(
	"۰", "0", "۱", "1", "۲", "2", "۳", "3", "۴", "4", "۵", "5", "۶", "6", "۷", "7", "۸", "8", "۹", "9",
	"٠", "0", "١", "1", "٢", "2", "٣", "3", "٤", "4", "٥", "5", "٦", "6", "٧", "7", "٨", "8", "٩", "9",
	"٫", ".", "٬", "")

// clean brings a value into the form in which it is compared and kept.
func (m *Mapping) clean(s string) string {
	s = strings.TrimSpace(s)
	if m.digits {
		s = latinDigits.Replace(s)
	}
	if m.letters {
		s = persianLetters.Replace(s)
	}
	return s
}

func formatTime(ms int64) string {
	return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z")
}

// formatDecimal writes ten-thousandths without zeros at the end.
func formatDecimal(v int64) string {
	sign := ""
	if v < 0 {
		sign, v = "-", -v
	}
	s := sign + strconv.FormatInt(v/event.DecimalScale, 10)
	if f := v % event.DecimalScale; f != 0 {
		s += "." + strings.TrimRight(strconv.FormatInt(event.DecimalScale+f, 10)[1:], "0")
	}
	return s
}
