package gateway

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/nabz/nabz/services/internal/keys"
)

const (
	// cookieName is the session's cookie.
	cookieName = "nabz_session"
	// sessionFor is a working day: who opens the page in the morning sees it
	// until the evening.
	sessionFor = 12 * time.Hour
	// maxLogin bounds the body of a log-in.
	maxLogin = 4096
)

// signer signs sessions and tickets. What it signs begins with what it is, so
// that one cannot stand for the other.
type signer struct{ key [sha256.Size]byte }

// newSigner derives the key from a secret that outlives the process; without
// one it is drawn.
func newSigner(secret string) *signer {
	s := &signer{}
	if secret == "" {
		// crypto/rand.Read never fails: it ends the process instead.
		_, _ = rand.Read(s.key[:])
		return s
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("nabz gateway sessions v1"))
	mac.Sum(s.key[:0])
	return s
}

func (s *signer) sign(text string) string {
	mac := hmac.New(sha256.New, s.key[:])
	mac.Write([]byte(text))
	return text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// read gives the text that was signed.
func (s *signer) read(signed string) (string, bool) {
	i := strings.LastIndexByte(signed, '.')
	if i < 0 || !hmac.Equal([]byte(s.sign(signed[:i])), []byte(signed)) {
		return "", false
	}
	return signed[:i], true
}

// pass signs that a key may come in until an instant. kind is session or
// ticket.
func (s *signer) pass(kind, key string, until time.Time) string {
	return s.sign(kind + "." + strconv.FormatInt(until.Unix(), 36) + "." + base64.RawURLEncoding.EncodeToString([]byte(key)))
}

// admits gives the name of the key that a pass is of, if it is in force.
func (s *signer) admits(kind, pass string) (key string, until time.Time, ok bool) {
	text, ok := s.read(pass)
	parts := strings.Split(text, ".")
	if !ok || len(parts) != 3 || parts[0] != kind {
		return "", time.Time{}, false
	}
	unix, err := strconv.ParseInt(parts[1], 36, 64)
	name, err2 := base64.RawURLEncoding.DecodeString(parts[2])
	until = time.Unix(unix, 0)
	return string(name), until, err == nil && err2 == nil && time.Now().Before(until)
}

// The kinds of passes.
const (
	passSession = "session"
	passTicket  = "ticket"
)

// Ticket is what opens a session as the administrator without showing the key:
// for the link that an installation prints. It is in force until an instant.
func Ticket(administratorKey string, until time.Time) string {
	return newSigner(administratorKey).pass(passTicket, Administrator, until)
}

// caller is who asks.
type caller struct {
	key    *keys.Key
	tenant string
	params params
	holds  func() bool // whether what let it in is still in force
}

// find gives the key of a request, by its header or its session, and whether
// that still holds; nil for a stranger.
func (s *Service) find(r *http.Request) (*keys.Key, func() bool) {
	if r.Header.Get("Authorization") != "" {
		k := s.keys.Find(r)
		return k, func() bool { return s.keys.Holds(k) }
	}
	cookie, err := r.Cookie(cookieName)
	if err != nil {
		return nil, nil
	}
	name, until, ok := s.signer.admits(passSession, cookie.Value)
	if !ok {
		return nil, nil
	}
	k := s.keys.Named(name)
	return k, func() bool { return s.keys.Holds(k) && time.Now().Before(until) }
}

// admit finds out who asks, and about which tenant. The tenant is the key's
// own: only a key of every tenant may name one.
func (s *Service) admit(r *http.Request, known []string) (*caller, *problem) {
	k, holds := s.find(r)
	if k == nil {
		return nil, &problem{status: http.StatusUnauthorized, field: "Authorization",
			detail: "an API key in force is expected, Authorization: Bearer <key>, or a session"}
	}
	if !k.Has(keys.Read) {
		return nil, &problem{status: http.StatusForbidden, detail: "the key lacks the right read"}
	}
	p, wrong := readParams(r, append([]string{"tenant"}, known...))
	if wrong != nil {
		return nil, wrong
	}
	named, wrong := p.one("tenant")
	if wrong != nil {
		return nil, wrong
	}
	tenant, err := k.TenantOf(named, s.config.DefaultTenant)
	if err != nil {
		status := http.StatusBadRequest
		if k.Tenant != keys.AllTenants {
			status = http.StatusForbidden
		}
		return nil, &problem{status: status, field: "tenant", detail: err.Error()}
	}
	return &caller{key: k, tenant: tenant, params: p, holds: holds}, nil
}

// login is the body of POST /v1/session: one of the two.
type login struct {
	Key    string `json:"key"`
	Ticket string `json:"ticket"`
}

// openSession lets a page in that has shown a key or a ticket.
func (s *Service) openSession(w http.ResponseWriter, r *http.Request, _ *caller) *problem {
	// Another site's form cannot send this type unasked.
	if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != "application/json" {
		return &problem{status: http.StatusUnsupportedMediaType, field: "Content-Type", detail: "application/json is expected"}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxLogin))
	if err != nil {
		return bad("", "the body is too large or broke off")
	}
	var in login
	if err := json.Unmarshal(body, &in); err != nil || (in.Key == "") == (in.Ticket == "") {
		return bad("key", `{"key": "..."} or {"ticket": "..."} is expected`)
	}
	k := s.keys.FindSecret(in.Key)
	field, detail := "key", "no key in force"
	if in.Ticket != "" {
		field, detail = "ticket", "the link is too old: start again, or log in with an API key"
		k = nil
		if name, _, ok := s.signer.admits(passTicket, in.Ticket); ok {
			k = s.keys.Named(name)
		}
	}
	switch {
	case k == nil:
		return &problem{status: http.StatusUnauthorized, field: field, detail: detail}
	case !k.Has(keys.Read):
		return &problem{status: http.StatusForbidden, field: field, detail: "the key lacks the right read"}
	}
	s.setCookie(w, r, s.signer.pass(passSession, k.Name, time.Now().Add(sessionFor)), int(sessionFor.Seconds()))
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// closeSession takes the cookie back.
func (s *Service) closeSession(w http.ResponseWriter, r *http.Request, _ *caller) *problem {
	s.setCookie(w, r, "", -1)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Service) setCookie(w http.ResponseWriter, r *http.Request, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{
		Name: cookieName, Value: value, Path: "/", MaxAge: maxAge, HttpOnly: true, SameSite: http.SameSiteStrictMode,
		// Behind a proxy that ends TLS the header says so; who forges it only
		// locks itself out.
		Secure: r.TLS != nil || strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https"),
	})
}
