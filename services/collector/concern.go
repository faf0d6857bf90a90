package collector

import (
	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/strictyaml"
)

// replacedEntities is the member of data that says whom a replaced event
// concerned and its replacement does not: {"agent": "7"}.
const replacedEntities = "replaced_entities"

// replaced reads it: for those entities a copy of the event withdraws the
// replaced one.
func (d *decoder) replaced(value string) *problem {
	const field = "data." + replacedEntities
	if d.env.replaces == "" {
		return refuse(BadValue, field, "it belongs to an event with replaces")
	}
	if value[0] != '{' {
		return refuse(BadType, field, "an object is expected: kind of entity, id")
	}
	return members(value, func(kind, value string) *problem {
		var concern *event.Field
		kinds := make([]string, 0, len(d.typ.Concerns))
		for _, c := range d.typ.Concerns {
			kinds = append(kinds, c.Kind)
			if c.Kind == kind {
				concern = c.Field
			}
		}
		if concern == nil {
			return refuse(UnknownField, field+"."+bare(kind), d.typ.Name+" concerns no such kind of entity"+strictyaml.Hint(kind, kinds))
		}
		if value[0] != '"' {
			return refuse(BadType, field+"."+kind, "a text is expected")
		}
		id := unquote(value)
		if p := plain(id, concern.Max, false); p != nil {
			p.field = field + "." + kind
			return p
		}
		if concern.Personal {
			id = d.tenant.token(id)
		}
		d.entities = append(d.entities, entity{kind: kind, id: id, withdrawn: true})
		return nil
	})
}

// concern puts the entities that the event itself concerns before those that
// only the replaced one did; each stands there once.
func (d *decoder) concern() {
	var gone [8]entity
	withdrawn := append(gone[:0], d.entities...)
	d.entities = d.entities[:0]
	for _, c := range d.typ.Concerns {
		if id := d.ev.Text(c.Field.Number); id != "" {
			d.add(entity{kind: c.Kind, id: id})
		}
	}
	for _, w := range withdrawn {
		d.add(w)
	}
}

func (d *decoder) add(e entity) {
	for _, known := range d.entities {
		if known.kind == e.kind && known.id == e.id {
			return
		}
	}
	d.entities = append(d.entities, e)
}
