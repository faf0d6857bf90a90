package embedded

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"text/template"
	"time"
)

// EngineConfig are the settings of the embedded ClickHouse engine.
type EngineConfig struct {
	Library    string // libchdb.so, of [FetchEngine]
	Dir        string // where data and settings are kept, made if need be
	Host       string // to listen on: a loopback address, users are bound to it
	HTTPPort   int
	NativePort int // private: the guard's port is the one to publish
	Accounts   Accounts
}

// Accounts are the passwords of the engine's two users.
type Accounts struct {
	Services string // of user nabz: reads and writes everything
	BI       string // of user bi: reads the views of database nabz
}

// The engine's users.
const (
	UserServices = "nabz"
	UserBI       = "bi"
)

// engineSession is the engine's own first session, always of user default.
// Its last statement reads standard input, which the parent holds open, and
// so ends when the parent closes it or dies. It makes exactly sessionQueries
// queries; the quota leaves none to whoever logs in as default.
const (
	engineSession  = "SYSTEM START LISTEN TCP; SYSTEM START LISTEN HTTP; SELECT * FROM table"
	sessionQueries = 4 // the temporary table behind standard input is one more
)

//go:embed config.xml.tmpl
var configXML string

//go:embed users.xml.tmpl
var usersXML string

func writeEngineFiles(c EngineConfig) error {
	for name, text := range map[string]string{"config.xml": configXML, "users.xml": usersXML} {
		t, err := template.New(name).Parse(text)
		if err != nil {
			return fmt.Errorf("parse %s: %w", name, err)
		}
		var b bytes.Buffer
		err = t.Execute(&b, map[string]any{
			"Services":       hashed(c.Accounts.Services),
			"BI":             hashed(c.Accounts.BI),
			"SessionQueries": sessionQueries,
			"Host":           c.Host,
		})
		if err != nil {
			return fmt.Errorf("fill %s: %w", name, err)
		}
		if err := writePrivate(filepath.Join(c.Dir, name), b.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

func hashed(password string) string {
	h := sha256.Sum256([]byte(password))
	return hex.EncodeToString(h[:])
}

// Ping asks a ClickHouse for a sign of life over HTTP.
func Ping(ctx context.Context, baseURL string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, baseURL+"/ping", nil)
	if err != nil {
		return fmt.Errorf("ping %s: %w", baseURL, err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("ping %s: %w", baseURL, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 64))
	if err != nil || strings.TrimSpace(string(body)) != "Ok." {
		return fmt.Errorf("ping %s: %s: %q", baseURL, res.Status, body)
	}
	return nil
}

// HTTPURL is the engine's HTTP address.
func (c EngineConfig) HTTPURL() string {
	return "http://" + net.JoinHostPort(c.Host, strconv.Itoa(c.HTTPPort))
}

// maxAnswer bounds what [httpQuery] reads: its answers are single words.
const maxAnswer = 64 << 10

// queryTimeout bounds one small question to an engine that is up.
const queryTimeout = 5 * time.Second

// httpQuery runs one statement over HTTP as a user and gives its answer as
// tab-separated text. Parameters are named as in the statement.
func httpQuery(ctx context.Context, base, user, password, statement string, params map[string]string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	q := url.Values{}
	for k, v := range params {
		q.Set("param_"+k, v)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/?"+q.Encode(), strings.NewReader(statement))
	if err != nil {
		return "", fmt.Errorf("query %s: %w", base, err)
	}
	req.Header.Set("X-ClickHouse-User", user)
	req.Header.Set("X-ClickHouse-Key", password)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", fmt.Errorf("query %s: %w", base, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return "", fmt.Errorf("query %s: %w", base, err)
	}
	if res.StatusCode != http.StatusOK {
		return "", fmt.Errorf("query %s: %s: %s", base, res.Status, bytes.TrimSpace(body))
	}
	return strings.TrimSpace(string(body)), nil
}
