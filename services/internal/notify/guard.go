package notify

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"syscall"
)

// ErrForbidden is the error of a connection that a webhook may not make.
var ErrForbidden = errors.New("the address is not of the open net, or the port not one of a webhook")

// guard looks at every address at the last moment, after names are resolved:
// whatever way a URL or a name server spells an inner address, it is seen as
// the address it is.
type guard struct {
	allow []netip.Prefix
	http  bool
}

func (g guard) control(_ context.Context, network, address string, _ syscall.RawConn) error {
	if network != "tcp4" && network != "tcp6" {
		return fmt.Errorf("dial %s %s: %w", network, address, ErrForbidden)
	}
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("dial %s: %w", address, ErrForbidden)
	}
	for _, p := range g.allow {
		if p.Contains(to.Addr().Unmap().WithZone("")) {
			return nil
		}
	}
	port := to.Port() == 443 || to.Port() == 8443 || g.http && (to.Port() == 80 || to.Port() == 8080)
	if !port || !open(to.Addr()) {
		return fmt.Errorf("dial %s: %w", address, ErrForbidden)
	}
	return nil
}

// closed are the networks that are not of the open net, by the registries of
// special-purpose addresses, and those that wrap another address.
func closed() []netip.Prefix {
	var all []netip.Prefix
	for _, s := range []string{
		"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
		"192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24",
		"203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
		"::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16",
		"3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
	} {
		all = append(all, netip.MustParsePrefix(s))
	}
	return all
}

// open tells whether the address is of the open net.
func open(a netip.Addr) bool {
	if a.Zone() != "" || a.Is4In6() {
		return false
	}
	return a.IsGlobalUnicast() && !slices.ContainsFunc(closed(), func(p netip.Prefix) bool { return p.Contains(a) })
}
