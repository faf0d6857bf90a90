package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/ClickHouse/clickhouse-go/v2/lib/column"
	"github.com/nabz/nabz/pkg/warehouse"
)

// Block holds rows of one table, column by column, until they are inserted.
// A caller sets every column of a row and then ends it.
type Block struct {
	Table   *warehouse.Table
	columns []values
	insert  string
	rows    int
	bytes   int
}

// values is one column. Whole numbers of every width and instants are kept as
// int64, for a column is converted once and not value by value.
type values struct {
	kind  kind
	texts []string
	ints  []int64
	nulls []bool
	ids   []uuid.UUID
	maps  []pairs
}

type kind uint8

const (
	kindText kind = iota + 1
	kindInt64
	kindInt32
	kindUInt64
	kindUInt32
	kindUInt8
	kindInstant // DateTime64(3), ms
	kindSecond  // DateTime, s
	kindNullInt64
	kindNullUInt8
	kindNullInstant
	kindID
	kindTexts  // Map(…, String)
	kindInts   // Map(LowCardinality(String), Int64)
	kindFloats // Map(…, Float64)
	kindBuckets
)

var kinds = map[string]kind{
	"String": kindText, "LowCardinality(String)": kindText,
	"Int64": kindInt64, "Int32": kindInt32, "UInt64": kindUInt64, "UInt32": kindUInt32, "UInt8": kindUInt8,
	"DateTime64(3, 'UTC')": kindInstant, "DateTime('UTC')": kindSecond,
	"Nullable(Int64)": kindNullInt64, "Nullable(UInt8)": kindNullUInt8, "Nullable(DateTime64(3, 'UTC'))": kindNullInstant,
	"UUID":                                kindID,
	"Map(LowCardinality(String), String)": kindTexts, "Map(LowCardinality(String), Int64)": kindInts,
	"Map(LowCardinality(String), Float64)": kindFloats,
	"Map(UInt16, Int64)":                   kindBuckets,
}

// NewBlock makes an empty block for a table; its error is a type of column
// that blocks do not have.
func NewBlock(t *warehouse.Table) (*Block, error) {
	b := &Block{Table: t}
	names := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		k, ok := kinds[c.Type]
		if !ok {
			return nil, fmt.Errorf("column %s.%s: no block holds a %s", t.Name, c.Name, c.Type)
		}
		b.columns = append(b.columns, values{kind: k})
		names[i] = "`" + c.Name + "`"
	}
	b.insert = fmt.Sprintf("INSERT INTO %s.%s (%s)", warehouse.Internal, t.Name, strings.Join(names, ", "))
	return b, nil
}

// Index gives the index of a column by name, or -1.
func (b *Block) Index(name string) int {
	for i := range b.Table.Columns {
		if b.Table.Columns[i].Name == name {
			return i
		}
	}
	return -1
}

// Rows is the number of rows that were ended.
func (b *Block) Rows() int { return b.rows }

// Bytes is about how much memory the rows take.
func (b *Block) Bytes() int { return b.bytes }

// Text sets a text column of the row in hand.
func (b *Block) Text(i int, v string) {
	c := &b.columns[i]
	c.texts = append(c.texts, v)
	b.bytes += 16 + len(v)
}

// Int sets a number or an instant (ms; of a DateTime column s).
func (b *Block) Int(i int, v int64) {
	c := &b.columns[i]
	c.ints = append(c.ints, v)
	if c.kind >= kindNullInt64 {
		c.nulls = append(c.nulls, false)
	}
	b.bytes += 8
}

// Null sets a nullable column to NULL.
func (b *Block) Null(i int) {
	c := &b.columns[i]
	c.ints = append(c.ints, 0)
	c.nulls = append(c.nulls, true)
	b.bytes += 9
}

// ID sets a UUID column.
func (b *Block) ID(i int, v [16]byte) {
	b.columns[i].ids = append(b.columns[i].ids, v)
	b.bytes += 16
}

// Texts and Ints set a map column; keys and values are taken over.
func (b *Block) Texts(i int, keys, vals []string) {
	b.columns[i].maps = append(b.columns[i].maps, pairs{keys: keys, texts: vals})
	b.bytes += 64 * (1 + len(keys))
}

// Ints sets a map column of numbers.
func (b *Block) Ints(i int, keys []string, vals []int64) {
	b.columns[i].maps = append(b.columns[i].maps, pairs{keys: keys, ints: vals})
	b.bytes += 48 * (1 + len(keys))
}

// Buckets sets a map column of numbers by small numbers; both are taken over.
func (b *Block) Buckets(i int, keys []uint16, vals []int64) {
	b.columns[i].maps = append(b.columns[i].maps, pairs{buckets: keys, ints: vals})
	b.bytes += 16 * (1 + len(keys))
}

// Floats sets a map column of figures.
func (b *Block) Floats(i int, keys []string, vals []float64) {
	b.columns[i].maps = append(b.columns[i].maps, pairs{keys: keys, floats: vals})
	b.bytes += 48 * (1 + len(keys))
}

// EndRow ends the row in hand: columns that were not set become zero or NULL.
func (b *Block) EndRow() {
	b.rows++
	for i := range b.columns {
		c := &b.columns[i]
		if c.length() == b.rows {
			continue
		}
		switch c.kind {
		case kindText:
			c.texts = append(c.texts, "")
		case kindID:
			c.ids = append(c.ids, uuid.UUID{})
		case kindTexts, kindInts, kindFloats, kindBuckets:
			c.maps = append(c.maps, pairs{})
		case kindNullInt64, kindNullUInt8, kindNullInstant:
			b.Null(i)
		default:
			c.ints = append(c.ints, 0)
		}
	}
}

func (c *values) length() int {
	switch c.kind {
	case kindText:
		return len(c.texts)
	case kindID:
		return len(c.ids)
	case kindTexts, kindInts, kindFloats, kindBuckets:
		return len(c.maps)
	default: // kept as numbers
		return len(c.ints)
	}
}

// Reset empties the block and keeps its memory.
func (b *Block) Reset() {
	for i := range b.columns {
		c := &b.columns[i]
		clear(c.texts)
		clear(c.maps)
		c.texts, c.ints, c.nulls, c.ids, c.maps = c.texts[:0], c.ints[:0], c.nulls[:0], c.ids[:0], c.maps[:0]
	}
	b.rows, b.bytes = 0, 0
}

// ErrShape is the error of an insert that no retry can mend: the driver does
// not take the block's columns.
var ErrShape = errors.New("the driver does not take the block")

// Insert writes all rows as one block and returns when they are durable. The
// block stays as it is.
func (b *Block) Insert(ctx context.Context, conn Conn) error {
	if b.rows == 0 {
		return nil
	}
	batch, err := conn.PrepareBatch(durable(ctx), b.insert)
	if err != nil {
		return fmt.Errorf("insert %d rows into %s: %w", b.rows, b.Table.Name, err)
	}
	defer batch.Close()
	for i := range b.columns {
		if err := batch.Column(i).Append(b.columns[i].slice()); err != nil {
			return fmt.Errorf("insert %d rows into %s: column %s: %w: %w", b.rows, b.Table.Name, b.Table.Columns[i].Name, ErrShape, err)
		}
	}
	if err := batch.Send(); err != nil {
		return fmt.Errorf("insert %d rows into %s: %w", b.rows, b.Table.Name, err)
	}
	return nil
}

// slice gives the column as the driver takes it.
func (c *values) slice() any {
	switch c.kind {
	case kindText:
		return c.texts
	case kindInt64, kindInstant:
		return c.ints
	case kindInt32:
		return convert[int32](c.ints)
	case kindUInt64:
		return convert[uint64](c.ints)
	case kindUInt32:
		return convert[uint32](c.ints)
	case kindUInt8:
		return convert[uint8](c.ints)
	case kindSecond:
		times := make([]time.Time, len(c.ints))
		for i, v := range c.ints {
			times[i] = time.Unix(v, 0)
		}
		return times
	case kindNullInt64, kindNullInstant:
		return pointers(c.ints, c.nulls)
	case kindNullUInt8:
		return pointers(convert[uint8](c.ints), c.nulls)
	case kindID:
		return c.ids
	case kindTexts, kindInts, kindFloats, kindBuckets:
		return maps(c.maps)
	}
	panic("clickhouse: unknown kind of column")
}

func convert[T ~int32 | ~uint8 | ~uint32 | ~uint64](from []int64) []T {
	to := make([]T, len(from))
	for i, v := range from {
		to[i] = T(v)
	}
	return to
}

func pointers[T any](from []T, nulls []bool) []*T {
	to := make([]*T, len(from))
	for i := range from {
		if !nulls[i] {
			to[i] = &from[i]
		}
	}
	return to
}

// pairs is one value of a map column.
type pairs struct {
	keys    []string
	buckets []uint16 // instead of keys
	texts   []string
	ints    []int64
	floats  []float64
}

func maps(from []pairs) []column.IterableOrderedMap {
	to := make([]column.IterableOrderedMap, len(from))
	for i := range from {
		to[i] = &from[i]
	}
	return to
}

// Put is part of the driver's interface of maps, which it calls for reading.
func (p *pairs) Put(any, any) { panic("clickhouse: a block's map is only written") }

// Iterator is part of the driver's interface of maps.
func (p *pairs) Iterator() column.MapIterator { return &iterator{p: p, at: -1} }

type iterator struct {
	p  *pairs
	at int
}

func (i *iterator) Next() bool { i.at++; return i.at < len(i.p.keys)+len(i.p.buckets) }

func (i *iterator) Key() any {
	if i.p.buckets != nil {
		return i.p.buckets[i.at]
	}
	return i.p.keys[i.at]
}

func (i *iterator) Value() any {
	switch {
	case i.p.texts != nil:
		return i.p.texts[i.at]
	case i.p.floats != nil:
		return i.p.floats[i.at]
	}
	return i.p.ints[i.at]
}
