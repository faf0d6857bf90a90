package settings_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/nabz/nabz/services/internal/settings"
)

// cli is a command line as the binary's is.
type cli struct {
	Config string   `help:"x"`
	Kafka  []string `help:"x"`
	APIKey string   `name:"api-key" secret:"" help:"x"`
	Level  string   `name:"log-level" default:"info" help:"x"`
	Serve  struct {
		Listen string `default:"any" help:"x"`
	} `cmd:"" help:"x"`
}

// parse reads a command line with an environment and a file.
func parse(t *testing.T, env map[string]string, yaml string, args ...string) (cli, *settings.Settings, *kong.Kong, error) {
	t.Helper()
	path := ""
	if yaml != "" {
		path = write(t, "n.yaml", yaml)
	}
	var c cli
	k, err := kong.New(&c)
	if err != nil {
		t.Fatal(err)
	}
	lookup := func(name string) (string, bool) {
		v, ok := env[name]
		return v, ok
	}
	s, err := settings.Open(lookup, path, k.Model)
	if err != nil {
		return c, nil, k, err
	}
	kong.Resolvers(s).Apply(k)
	_, err = k.Parse(append(args, "serve"))
	return c, s, k, err
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestPrecedence takes one source away after the other.
func TestPrecedence(t *testing.T) {
	file := "log-level: from-file\nserve: {listen: file:1}\n"
	env := map[string]string{"NABZ_LOG_LEVEL": "from-env"}
	f := func(name, want string, env map[string]string, file string, args ...string) {
		t.Helper()
		if c, _, _, err := parse(t, env, file, args...); err != nil || c.Level != want {
			t.Errorf("%s: %q, %v, want %q", name, c.Level, err, want)
		}
	}
	f("flag", "from-flag", env, file, "--log-level", "from-flag")
	f("environment", "from-env", env, file)
	f("file", "from-file", nil, file)
	f("default", "info", nil, "")
	f("empty_environment_counts", "", map[string]string{"NABZ_LOG_LEVEL": ""}, file)
	c, _, _, err := parse(t, nil, file+"kafka: [a:1, b:2]\n")
	if err != nil || c.Serve.Listen != "file:1" || strings.Join(c.Kafka, " ") != "a:1 b:2" {
		t.Errorf("section and list: %+v, %v", c, err)
	}
}

func TestSecretsOfFiles(t *testing.T) {
	secret := write(t, "key", "s3cret\r\n")
	f := func(name, want string, env map[string]string, file string) {
		t.Helper()
		if c, _, _, err := parse(t, env, file); err != nil || c.APIKey != want {
			t.Errorf("%s: %q, %v, want %q", name, c.APIKey, err, want)
		}
	}
	f("environment", "s3cret", map[string]string{"NABZ_API_KEY_FILE": secret}, "")
	f("file", "s3cret", nil, "api_key_file: "+secret+"\n")
	f("plain_before_file", "plain", map[string]string{"NABZ_API_KEY": "plain", "NABZ_API_KEY_FILE": secret}, "")
	_, found, k, err := parse(t, map[string]string{"NABZ_API_KEY_FILE": secret}, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, flag := range k.Model.Flags {
		if settings.IsSecret(flag) != (flag.Name == "api-key") {
			t.Errorf("--%s: secret is %v", flag.Name, settings.IsSecret(flag))
		}
		v, _, err := found.Find(nil, flag)
		if err != nil || strings.Contains(v.Origin, "s3cret") {
			t.Errorf("--%s: the origin is %q, %v", flag.Name, v.Origin, err)
		}
	}
	bad := func(name, words string, env map[string]string, file string) {
		t.Helper()
		if _, _, _, err := parse(t, env, file); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v, should say %q", name, err, words)
		}
	}
	bad("missing", "environment NABZ_API_KEY_FILE: open /none", map[string]string{"NABZ_API_KEY_FILE": "/none"}, "")
	bad("empty", "holds nothing", map[string]string{"NABZ_API_KEY_FILE": write(t, "empty", "")}, "")
	bad("blank", "holds nothing", map[string]string{"NABZ_API_KEY_FILE": write(t, "blank", "\n")}, "")
	bad("long", "more than", map[string]string{"NABZ_API_KEY_FILE": write(t, "long", strings.Repeat("x", 65<<10))}, "")
	bad("of_no_secret", `unknown key "kafka_file"`, nil, "kafka_file: "+secret+"\n")
}

// TestMistakes holds that each is told with its place and what was meant.
func TestMistakes(t *testing.T) {
	f := func(text, words string) {
		t.Helper()
		_, _, _, err := parse(t, nil, text)
		if err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%q: %v, should say %q", text, err, words)
		}
	}
	f("kafak: a\n", `n.yaml:1:1: unknown key "kafak", did you mean "kafka"?`)
	f("kafka: a\nserve:\n  lisen: b\n", `n.yaml:3:3: unknown key "lisen", did you mean "listen"?`)
	f("config: other.yaml\n", `unknown key "config"`)
	f("kafka: {a: b}\n", "n.yaml:1:8: a value is expected")
	f("serve: a\n", "n.yaml:1:8: ")
	f("kafka: a\nkafka: b\n", "n.yaml:2:1: ")
	f("kafka: [\n", "n.yaml")
}

func TestConfigPath(t *testing.T) {
	lookup := func(string) (string, bool) { return "env.yaml", true }
	f := func(want string, args ...string) {
		t.Helper()
		if got, err := settings.ConfigPath(args, lookup); err != nil || got != want {
			t.Errorf("%v: %q, %v, want %q", args, got, err, want)
		}
	}
	f("a.yaml", "serve", "--config", "a.yaml")
	f("a.yaml", "--config=a.yaml", "serve")
	f("env.yaml", "serve")
	f("env.yaml", "serve", "--", "--config=a.yaml")
	if _, err := settings.ConfigPath([]string{"--config"}, lookup); err == nil {
		t.Error("--config without a file is taken")
	}
}
