package keys

import "time"

// Named gives the key in force that has a name, or nil: for those whom it has
// let in before and who carry a sign of that.
func (r *Ring) Named(name string) *Key {
	now := time.Now()
	for _, k := range r.keys(now) {
		if k.Name == name && !k.expired(now) {
			return k
		}
	}
	return nil
}
