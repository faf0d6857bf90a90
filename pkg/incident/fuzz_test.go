package incident

import "testing"

// FuzzDecode holds that no bytes make the reader of records panic, and that
// what it reads it writes again.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"key":"K","seq":1,"event":"opened","incident":{}}`))
	f.Add([]byte(`{"key":"K","seq":2,"event":"sent"}`))
	f.Add([]byte(`{"seq":1e99}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := Decode(b)
		if err != nil {
			return
		}
		out, err := r.Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Decode(out); err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
	})
}
