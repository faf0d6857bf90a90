// Package main is nabz, the one binary: every service, the embedded parts, the
// supervisor of them all, and the tools of the people who run them.
//
// It does not know how anything is computed: a command turns flags into the
// configuration of a package and runs it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	_ "time/tzdata" // zones on machines that have none, such as a bare image

	"github.com/alecthomas/kong"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/nabz/nabz/services/internal/embedded"
	"github.com/nabz/nabz/services/internal/settings"
)

// ballast is what every process holds and never touches, so that it takes no
// memory: the collector counts it, and runs each hundred megabytes instead of
// each few of a process that holds little and makes much.
const ballast = 64 << 20

func main() {
	held := make([]byte, ballast)
	code := 0
	if embedded.IsChild() {
		code = embedded.Main()
	} else {
		code = run(context.Background(), os.Args[1:], os.Stdout, os.Stderr)
	}
	runtime.KeepAlive(held)
	os.Exit(code)
}

// The exit codes.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitDiffers     = 3
	exitInterrupted = 130
)

// errDiffers is the error of a check that was asked for and found differences.
var errDiffers = errors.New("differences were found")

// usageError is a mistake in what the command was told: exit code 2.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// app is what every command's Run gets.
type app struct {
	*globals
	ctx      context.Context // ends at SIGINT and SIGTERM
	log      *zap.Logger
	stdout   io.Writer
	stderr   io.Writer
	settings *settings.Settings
	model    *kong.Application
	given    map[string]bool // flags that were on the command line
}

// exited carries kong's wish to exit out of its parser.
type exited int

func run(ctx context.Context, args []string, stdout, stderr io.Writer) (code int) {
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(exited)
			if !ok {
				panic(r)
			}
			code = int(e)
		}
	}()
	if len(args) == 0 {
		args = []string{"--help"}
	}
	var c cli
	parser, err := kong.New(&c,
		kong.Name("nabz"),
		kong.Description("Live KPIs of a contact center: events to Kafka, numbers to ClickHouse."),
		kong.Writers(stdout, stderr),
		kong.Exit(func(code int) { panic(exited(code)) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.PostBuild(showEnvironment),
	)
	if err != nil {
		panic(fmt.Sprintf("nabz: the command line is declared wrong: %v", err))
	}
	complain := func(err error) int {
		fmt.Fprintf(stderr, "nabz: %v\n", err)
		return exitUsage
	}
	path, err := settings.ConfigPath(args, os.LookupEnv)
	if err != nil {
		return complain(err)
	}
	found, err := settings.Open(os.LookupEnv, path, parser.Model)
	if err != nil {
		return complain(err)
	}
	if err := kong.Resolvers(found).Apply(parser); err != nil {
		return complain(err)
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		return complain(fmt.Errorf("%w (nabz --help, nabz COMMAND --help)", err))
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second ^C ends the process at once
	a := &app{globals: &c.globals, ctx: ctx, stdout: stdout, stderr: stderr, settings: found, model: parser.Model, given: given(parsed)}
	if a.log, err = newLog(c.globals, stderr); err != nil {
		return complain(err)
	}
	end, err := profile(c.Profile, parsed.Command())
	if err != nil {
		return complain(err)
	}
	defer end()
	return a.code(parsed.Run(a))
}

// code turns the end of a command into an exit code.
func (a *app) code(err error) int {
	var usage usageError
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errDiffers):
		return exitDiffers
	case a.ctx.Err() != nil:
		fmt.Fprintln(a.stderr, "nabz: interrupted")
		return exitInterrupted
	}
	fmt.Fprintf(a.stderr, "nabz: %v\n", err)
	if errors.As(err, &usage) {
		return exitUsage
	}
	return exitFailed
}

// showEnvironment puts the variable of each flag into the help. Package settings
// reads the same variables, and *_FILE and the file beside them.
func showEnvironment(k *kong.Kong) error {
	return kong.Visit(k.Model, func(n kong.Visitable, next kong.Next) error {
		if f, ok := n.(*kong.Flag); ok && f.Name != "help" {
			f.Envs = []string{settings.Env(f.Name)}
			f.Tag.Envs = f.Envs
		}
		return next(nil)
	})
}

func given(parsed *kong.Context) map[string]bool {
	names := map[string]bool{}
	for _, p := range parsed.Path {
		if p.Flag != nil && !p.Resolved {
			names[p.Flag.Name] = true
		}
	}
	return names
}

func newLog(g globals, stderr io.Writer) (*zap.Logger, error) {
	level, err := zapcore.ParseLevel(g.LogLevel)
	if err != nil {
		return nil, fmt.Errorf("--log-level: %w", err)
	}
	if g.Quiet {
		level = max(level, zapcore.ErrorLevel)
	}
	conf := zap.NewProductionEncoderConfig()
	conf.EncodeTime = zapcore.ISO8601TimeEncoder
	encoder := zapcore.NewConsoleEncoder(conf)
	if g.JSON {
		encoder = zapcore.NewJSONEncoder(conf)
	}
	return zap.New(zapcore.NewCore(encoder, zapcore.Lock(zapcore.AddSync(stderr)), level)), nil
}
