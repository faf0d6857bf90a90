package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	composecli "github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"

	"github.com/nabz/nabz/services/internal/testkit"
)

// secretNames are what docker-compose.yml must be given: it has no defaults.
var secretNames = []string{"NABZ_API_KEY", "NABZ_IDENTITY_KEY", "NABZ_CLICKHOUSE_PASSWORD", "NABZ_BI_PASSWORD"}

func loadCompose(t *testing.T, without string) (*types.Project, error) {
	t.Helper()
	root, err := testkit.Root()
	if err != nil {
		t.Fatal(err)
	}
	var env []string
	for _, name := range secretNames {
		if name != without {
			env = append(env, name+"=given-"+strings.ToLower(name))
		}
	}
	o, err := composecli.NewProjectOptions([]string{filepath.Join(root, "docker-compose.yml")}, composecli.WithEnv(env), composecli.WithResolvedPaths(true))
	if err != nil {
		t.Fatal(err)
	}
	return o.LoadProject(t.Context())
}

func TestComposeNeedsSecrets(t *testing.T) {
	for _, name := range secretNames {
		if _, err := loadCompose(t, name); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s: %v, want an error that names it", name, err)
		}
	}
}

func TestCompose(t *testing.T) {
	p, err := loadCompose(t, "")
	if err != nil {
		t.Fatal(err)
	}
	pinned := regexp.MustCompile(`:\d+\.\d+(\.\d+)*$`)
	secret := regexp.MustCompile(`(?i)(password|secret|_key)$`)
	for _, name := range []string{"kafka", "clickhouse", "topics", "migrate", "collector", "processor", "loader", "alerter", "gateway"} {
		s, ok := p.Services[name]
		if !ok {
			t.Errorf("no service %s", name)
			continue
		}
		once := s.Restart == "on-failure"
		if checked := s.HealthCheck != nil && !s.HealthCheck.Disable && len(s.HealthCheck.Test) > 1; checked == once {
			t.Errorf("%s: health check %v, restart %q", name, s.HealthCheck, s.Restart)
		}
		if s.Build == nil && !pinned.MatchString(s.Image) {
			t.Errorf("%s: image %s is not pinned", name, s.Image)
		}
		for key, v := range s.Environment {
			if secret.MatchString(key) && (v == nil || !strings.HasPrefix(*v, "given-")) {
				t.Errorf("%s: %s has a value of its own", name, key)
			}
		}
		if s.Build != nil {
			commandParses(t, name, s.Command)
			if !once {
				commandParses(t, name, types.ShellCommand(s.HealthCheck.Test[2:]))
			}
		}
		for _, v := range s.Volumes {
			if v.Type == types.VolumeTypeBind {
				if _, err := os.Stat(v.Source); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
	}
}

// commandParses tells whether this binary takes the arguments.
func commandParses(t *testing.T, service string, args []string) {
	t.Helper()
	var c cli
	k, err := kong.New(&c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Parse(args); err != nil {
		t.Errorf("%s: nabz %s: %v", service, strings.Join(args, " "), err)
	}
}

// TestDockerfileNamesEveryModule keeps the Dockerfile in step with the modules.
func TestDockerfileNamesEveryModule(t *testing.T) {
	root, err := testkit.Root()
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(root, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []string{"pkg", "schemas", "services", "scripts"} {
		if !strings.Contains(string(b), m+"/go.mod") {
			t.Errorf("module %s is not copied before the download", m)
		}
	}
	for _, want := range []string{"USER 65532:65532", "CGO_ENABLED=0", "-tags noengine", "FROM scratch"} {
		if !strings.Contains(string(b), want) {
			t.Errorf("the Dockerfile lacks %q", want)
		}
	}
}
