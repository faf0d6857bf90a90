package collector

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"sync"
)

// maxTenants bounds how many derived keys are kept. With a key of every tenant
// a sender could name any number of them.
const maxTenants = 4096

// identities holds the keys by which customers' identifiers become tokens.
type identities struct {
	master []byte
	own    map[string]string // tenant: identity key of its own

	mu    sync.RWMutex
	known map[string]*tenant
}

// tenant is one tenant's secrets.
type tenant struct {
	name         string
	inner, outer [64]byte // the padded keys of HMAC-SHA-256
	seal         cipher.AEAD
}

func newIdentities(master string, own map[string]string) *identities {
	return &identities{master: []byte(master), own: own, known: map[string]*tenant{}}
}

// of gives a tenant's secrets, which are derived from the identity key.
func (i *identities) of(name string) (*tenant, error) {
	i.mu.RLock()
	t := i.known[name]
	i.mu.RUnlock()
	if t != nil {
		return t, nil
	}
	t, err := i.derive(name)
	if err != nil {
		return nil, err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(i.known) >= maxTenants {
		clear(i.known)
	}
	i.known[name] = t
	return t, nil
}

func (i *identities) derive(name string) (*tenant, error) {
	master := i.master
	if own, ok := i.own[name]; ok {
		master = []byte(own)
	}
	t := &tenant{name: name}
	key := derived(master, "nabz token v1", name)
	copy(t.inner[:], key)
	copy(t.outer[:], key)
	for n := range t.inner {
		t.inner[n] ^= 0x36
		t.outer[n] ^= 0x5c
	}
	block, err := aes.NewCipher(derived(master, "nabz seal v1", name))
	if err != nil {
		return nil, fmt.Errorf("derive key of tenant %s: %w", name, err)
	}
	if t.seal, err = cipher.NewGCM(block); err != nil {
		return nil, fmt.Errorf("derive key of tenant %s: %w", name, err)
	}
	return t, nil
}

func derived(master []byte, use, tenant string) []byte {
	mac := hmac.New(sha256.New, master)
	mac.Write([]byte(use))
	mac.Write([]byte{0})
	mac.Write([]byte(tenant))
	return mac.Sum(nil)
}

// letters write a token in 26 characters that no one has to escape.
var letters = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// token gives the keyed token of an identifier: the same for the same
// identifier of the tenant, and of no use without the key. It is HMAC-SHA-256,
// cut to 16 bytes, written out because crypto/hmac allocates its state.
func (t *tenant) token(identifier string) string {
	var stack [64 + 512]byte
	in := append(stack[:0], t.inner[:]...)
	in = append(in, identifier...)
	sum := sha256.Sum256(in)
	var out [64 + 32]byte
	copy(out[:], t.outer[:])
	copy(out[64:], sum[:])
	sum = sha256.Sum256(out[:])
	text := [28]byte{'c', '_'}
	letters.Encode(text[2:], sum[:16])
	return string(text[:])
}

// sealed encrypts what may hold identifiers and cannot be read to replace them:
// a nonce of 12 bytes, then AES-256-GCM with the tenant's name as its context.
func (t *tenant) sealed(raw []byte) []byte {
	nonce := make([]byte, t.seal.NonceSize(), t.seal.NonceSize()+len(raw)+t.seal.Overhead())
	// crypto/rand.Read never fails: it ends the process instead.
	_, _ = rand.Read(nonce)
	return t.seal.Seal(nonce, nonce, raw, []byte(t.name))
}

// Open decrypts what a collector with that identity key sealed for a tenant.
func Open(identityKey, tenant string, sealed []byte) ([]byte, error) {
	t, err := newIdentities(identityKey, nil).of(tenant)
	if err != nil {
		return nil, err
	}
	n := t.seal.NonceSize()
	if len(sealed) < n {
		return nil, fmt.Errorf("open sealed dead letter: %d bytes", len(sealed))
	}
	raw, err := t.seal.Open(nil, sealed[:n], sealed[n:], []byte(tenant))
	if err != nil {
		return nil, fmt.Errorf("open sealed dead letter: %w", err)
	}
	return raw, nil
}
