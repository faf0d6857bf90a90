package schemas_test

import (
	"testing"

	"github.com/nabz/nabz/schemas"
)

func TestCatalogue(t *testing.T) {
	c, err := schemas.Catalogue()
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range c.Types() {
		t.Log(x.Name, x.Rank, x.Concerns)
	}
}
