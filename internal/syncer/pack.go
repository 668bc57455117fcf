package syncer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"strings"

	"google.golang.org/protobuf/proto"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
)

// Grants of one page on one entitlement differ in little but the principal's id,
// which the grant's own id contains. A block keeps what they share once, in
// patterns, and for each grant the number of its pattern and the principal's id:
// about 26 bytes for a grant of JumpCloud.
//
//	block   = version, number of patterns, each pattern, each grant to the end
//	pattern = principal type, form, prefix, suffix, rest
//	grant   = number of pattern, principal id, grant id when the form is literal
//
// Numbers are unsigned varints, strings have their length before them. The id of
// a grant is prefix + principal type + ":" + principal id + suffix, unless it does
// not contain the principal; then the form is literal. The rest is a serialized
// c1.connector.v2.Grant with annotations and sources alone.
const blockVersion = 1

const (
	formBound   = 0
	formLiteral = 1
)

var errBadBlock = errors.New("damaged block of grants")

// packer makes the block of one page and one entitlement.
type packer struct {
	patterns map[string]uint64
	head     []byte
	body     []byte
	key      []byte // of the pattern at work
	block    GrantBlock
}

func newPacker(entitlement string) *packer {
	return &packer{patterns: map[string]uint64{}, block: GrantBlock{Entitlement: entitlement}}
}

func (p *packer) add(g *v2.Grant, expands bool) error {
	var rest []byte
	if len(g.GetAnnotations()) > 0 || g.GetSources() != nil {
		var err error
		if rest, err = marshal(&v2.Grant{Annotations: g.GetAnnotations(), Sources: g.GetSources()}); err != nil {
			return err
		}
	}
	principal := g.GetPrincipal().GetId()
	form := byte(formBound)
	prefix, suffix, ok := cutPrincipal(g.GetId(), principal.GetResourceType(), principal.GetResource())
	if !ok {
		form = formLiteral
	}
	b := appendString(p.key[:0], principal.GetResourceType())
	b = append(b, form)
	b = appendString(b, prefix)
	b = appendString(b, suffix)
	b = append(binary.AppendUvarint(b, uint64(len(rest))), rest...)
	p.key = b
	n, ok := p.patterns[string(b)]
	if !ok {
		n = uint64(len(p.patterns))
		p.patterns[string(b)] = n
		p.head = append(p.head, b...)
	}
	p.body = binary.AppendUvarint(p.body, n)
	p.body = appendString(p.body, principal.GetResource())
	if form == formLiteral {
		p.body = appendString(p.body, g.GetId())
	}
	p.block.Count++
	if expands {
		p.block.Expandable++
	}
	return nil
}

func (p *packer) finish() GrantBlock {
	data := make([]byte, 0, len(p.head)+len(p.body)+8)
	data = append(data, blockVersion)
	data = binary.AppendUvarint(data, uint64(len(p.patterns)))
	data = append(data, p.head...)
	p.block.Data = append(data, p.body...)
	return p.block
}

// cutPrincipal finds the last "type:id" that stands in a grant's id between colons
// or its ends.
func cutPrincipal(id, resourceType, resource string) (prefix, suffix string, ok bool) {
	needle := resourceType + ":" + resource
	for end := len(id); ; {
		at := strings.LastIndex(id[:end], needle)
		if at < 0 {
			return "", "", false
		}
		prefix, suffix = id[:at], id[at+len(needle):]
		if (prefix == "" || strings.HasSuffix(prefix, ":")) && (suffix == "" || suffix[0] == ':') {
			return prefix, suffix, true
		}
		end = at + len(needle) - 1
	}
}

// pattern is what grants of a block share.
type pattern struct {
	principalType  string
	literal        bool
	prefix, suffix string
	rest           []byte
	decoded        *v2.Grant // of rest, once it was asked for
}

// grant decodes the annotations and sources. It is shared by all grants of the
// pattern.
func (p *pattern) grant() (*v2.Grant, error) {
	if p.decoded == nil {
		p.decoded = &v2.Grant{}
		if err := proto.Unmarshal(p.rest, p.decoded); err != nil {
			return nil, fmt.Errorf("%w: %w", errBadBlock, err)
		}
	}
	return p.decoded, nil
}

// packedGrant is one grant of a block. Its bytes belong to the block.
type packedGrant struct {
	pattern   *pattern
	principal []byte
	id        []byte // of a literal pattern only
}

// idFor is the grant's id with a principal, which need not be its own.
func (g packedGrant) idFor(resourceType, resource string) string {
	if g.pattern.literal {
		return string(g.id)
	}
	return g.pattern.prefix + resourceType + ":" + resource + g.pattern.suffix
}

// unpack lists the grants of a block.
func unpack(data []byte) iter.Seq2[packedGrant, error] {
	return func(yield func(packedGrant, error) bool) {
		d := decoder{data: data}
		if d.byte() != blockVersion {
			yield(packedGrant{}, errBadBlock)
			return
		}
		n := d.uvarint()
		if n > uint64(len(data)) {
			yield(packedGrant{}, errBadBlock)
			return
		}
		patterns := make([]pattern, n)
		for i := range patterns {
			p := &patterns[i]
			p.principalType = string(d.bytes())
			p.literal = d.byte() == formLiteral
			p.prefix, p.suffix = string(d.bytes()), string(d.bytes())
			p.rest = d.bytes()
		}
		for !d.bad && len(d.data) > 0 {
			i := d.uvarint()
			if i >= n {
				d.bad = true
				break
			}
			g := packedGrant{pattern: &patterns[i], principal: d.bytes()}
			if g.pattern.literal {
				g.id = d.bytes()
			}
			if !d.bad && !yield(g, nil) {
				return
			}
		}
		if d.bad {
			yield(packedGrant{}, errBadBlock)
		}
	}
}

// decoder reads the parts of a block; bad says that one was cut.
type decoder struct {
	data []byte
	bad  bool
}

func (d *decoder) byte() byte {
	if len(d.data) == 0 {
		d.bad = true
		return 0
	}
	b := d.data[0]
	d.data = d.data[1:]
	return b
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.data)
	if n <= 0 {
		d.bad, d.data = true, nil
		return 0
	}
	d.data = d.data[n:]
	return v
}

func (d *decoder) bytes() []byte {
	n := d.uvarint()
	if n > uint64(len(d.data)) {
		d.bad, d.data = true, nil
		return nil
	}
	b := d.data[:n:n]
	d.data = d.data[n:]
	return b
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// marshal serializes in the same way each time.
func marshal(m proto.Message) ([]byte, error) {
	return proto.MarshalOptions{Deterministic: true}.Marshal(m)
}
