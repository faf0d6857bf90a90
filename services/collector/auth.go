package collector

import (
	"errors"

	"github.com/nabz/nabz/services/internal/keys"
)

// tenantOf gives the tenant of an event that names that one, or none.
func tenantOf(k *keys.Key, named, fallback string) (string, *problem) {
	tenant, err := k.TenantOf(named, fallback)
	switch {
	case errors.Is(err, keys.ErrTenantName):
		return "", refuse(BadValue, "tenant", err.Error())
	case err != nil:
		return "", refuse(Forbidden, "tenant", err.Error())
	}
	return tenant, nil
}

// allowed tells whether the key may send that event.
func allowed(k *keys.Key, source string, named, clock bool) *problem {
	switch {
	case !k.Sends(source):
		return refuse(Forbidden, "source", "the key may not send events of that source")
	case (named || clock) && !k.Has(keys.Feeds):
		return refuse(Forbidden, "feed", "the key lacks the right feeds")
	case !named && !clock && !k.Has(keys.Write):
		return refuse(Forbidden, "", "the key lacks the right write")
	}
	return nil
}
