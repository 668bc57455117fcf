// Package bid reads and writes Baton resource ids, the text form in which a
// person or another program names one resource: bid:r:<type>/<id>, or
// bid:r:<parent type>/<parent id>/<type>/<id> for a resource within another.
//
// The characters \ / and : inside a part are written with a \ in front.
package bid

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// resourcePrefix begins the id of every resource.
const resourcePrefix = "bid:r:"

// ErrInvalid is the cause of every error of this package.
var ErrInvalid = errors.New("not a resource ID such as bid:r:user/64b000000000000000000001")

// Resource names one resource. No field of a valid one is empty, except that
// both ParentType and ParentID are when it has no parent.
type Resource struct {
	ParentType, ParentID string
	Type, ID             string
}

// String is the id's text form.
func (r Resource) String() string {
	var b strings.Builder
	b.WriteString(resourcePrefix)
	if r.ParentType != "" {
		writeEscaped(&b, r.ParentType)
		b.WriteByte('/')
		writeEscaped(&b, r.ParentID)
		b.WriteByte('/')
	}
	writeEscaped(&b, r.Type)
	b.WriteByte('/')
	writeEscaped(&b, r.ID)
	return b.String()
}

// ParseResource reads the text form. Errors wrap [ErrInvalid].
func ParseResource(text string) (Resource, error) {
	rest, found := strings.CutPrefix(text, resourcePrefix)
	if !found {
		return Resource{}, fmt.Errorf("%q is %w", text, ErrInvalid)
	}
	parts, err := split(rest)
	if err != nil {
		return Resource{}, fmt.Errorf("%q is %w: %w", text, ErrInvalid, err)
	}
	if slices.Contains(parts, "") {
		return Resource{}, fmt.Errorf("%q is %w: a part is empty", text, ErrInvalid)
	}
	switch len(parts) {
	case 2:
		return Resource{Type: parts[0], ID: parts[1]}, nil
	case 4:
		return Resource{ParentType: parts[0], ParentID: parts[1], Type: parts[2], ID: parts[3]}, nil
	}
	return Resource{}, fmt.Errorf("%q is %w: it has %d parts instead of 2 or 4", text, ErrInvalid, len(parts))
}

// split cuts at every slash that is not escaped and takes the escapes out.
func split(text string) ([]string, error) {
	var (
		parts []string
		part  strings.Builder
	)
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '\\':
			i++
			if i == len(text) || !special(text[i]) {
				return nil, errors.New(`\ must stand before \, / or : only`)
			}
			part.WriteByte(text[i])
		case ':':
			return nil, errors.New(`: inside a part is written with \ before it`)
		case '/':
			parts = append(parts, part.String())
			part.Reset()
		default:
			part.WriteByte(c)
		}
	}
	return append(parts, part.String()), nil
}

func writeEscaped(b *strings.Builder, part string) {
	for i := range len(part) {
		if special(part[i]) {
			b.WriteByte('\\')
		}
		b.WriteByte(part[i])
	}
}

func special(c byte) bool { return c == '\\' || c == '/' || c == ':' }
