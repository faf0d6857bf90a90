package main

import (
	"encoding/json"
	"testing"
)

func TestHeadersInWords(t *testing.T) {
	got, err := json.Marshal(headersInWords(map[string]string{"dlq_reason": "bad_value", "dlq_sealed": "ab", "odd": "\xff", "fa": "صف"}))
	if want := `{"dlq_reason":"bad_value","dlq_sealed":"YWI=","fa":"صف","odd":"/w=="}`; err != nil || string(got) != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
}
