package main

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// secrets are what an installation makes for itself at its first start.
type secrets struct {
	APIKey      string `json:"api_key"`
	IdentityKey string `json:"identity_key"`
	ClickHouse  string `json:"clickhouse_password"` // of the services' account
	BI          string `json:"bi_password"`
}

const secretsFile = "secrets.json"

// readSecrets reads the secrets of an installation and makes none.
func readSecrets(dataDir string) (s secrets, err error) {
	b, err := os.ReadFile(filepath.Join(dataDir, secretsFile))
	if err != nil {
		return s, fmt.Errorf("read secrets: %w", err)
	}
	if err := json.Unmarshal(b, &s); err != nil {
		return s, fmt.Errorf("read secrets of %s: %w", dataDir, err)
	}
	return s, nil
}

// loadSecrets reads the secrets of a data directory and makes those that are
// missing. They are never made anew: the identity key is in every token.
func loadSecrets(dataDir string) (secrets, error) {
	path := filepath.Join(dataDir, secretsFile)
	var s secrets
	b, err := os.ReadFile(path)
	switch {
	case err == nil:
		if err := json.Unmarshal(b, &s); err != nil {
			return s, fmt.Errorf("read secrets %s: %w", path, err)
		}
	case !errors.Is(err, fs.ErrNotExist):
		return s, fmt.Errorf("read secrets: %w", err)
	}
	was := s
	for _, v := range []*string{&s.APIKey, &s.IdentityKey, &s.ClickHouse, &s.BI} {
		if *v == "" {
			*v = rand.Text() + rand.Text() // 52 letters and digits, 260 bits
		}
	}
	if s == was {
		return s, nil
	}
	if b, err = json.MarshalIndent(s, "", "  "); err != nil {
		return s, fmt.Errorf("write secrets: %w", err)
	}
	temp := fmt.Sprintf("%s.%d", path, os.Getpid())
	if err := os.WriteFile(temp, append(b, '\n'), 0o600); err != nil {
		return s, fmt.Errorf("write secrets: %w", err)
	}
	if err := os.Rename(temp, path); err != nil {
		return s, fmt.Errorf("write secrets: %w", err)
	}
	return s, nil
}
