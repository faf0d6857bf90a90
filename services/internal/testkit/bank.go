package testkit

import (
	"os"
	"path/filepath"
	"testing"
)

// envBank names the call log of [BankCalls].
const envBank = "NABZ_BANK_CALLS"

// BankCalls gives the public call log of a bank, 33,344 calls of February
// 1999, which is not part of the repository: NABZ_BANK_CALLS names it, else it
// is looked for beside the checkout. Where it is missing it says so, and the
// caller does with less.
func BankCalls(tb testing.TB) (path string, ok bool) {
	tb.Helper()
	if path := os.Getenv(envBank); path != "" {
		if _, err := os.Stat(path); err != nil {
			tb.Fatalf("%s: %v", envBank, err)
		}
		return path, true
	}
	root, err := Root()
	if err != nil {
		tb.Fatal(err)
	}
	path = filepath.Join(root, "..", "shared", "data", "anonymous_bank_calls_1999_02.tsv")
	if _, err := os.Stat(path); err != nil {
		tb.Logf("MISSING: the bank's call log: neither %s in the environment nor %s", envBank, path)
		return "", false
	}
	return path, true
}
