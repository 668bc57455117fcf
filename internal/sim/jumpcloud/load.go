package jcsim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// fileGroup is a group as a file has it: the group and its member list.
type fileGroup struct {
	Group
	Members []fileEdge `json:"members,omitempty"`
}

// fileApp is an application as a file has it: with its direct associations.
type fileApp struct {
	Application
	Users  []fileEdge `json:"users,omitempty"`
	Groups []fileEdge `json:"groups,omitempty"`
}

// fileHead is what a file says of the tenant as a whole.
type fileHead struct {
	Organization Organization `json:"organization"`
	Holes        bool         `json:"holes,omitempty"`
}

// fileEdge is one entry of a list of edges: a reference to an object, or
// {"dangling": n} or {"ghost": n} for n edges that lead nowhere. In place of n a
// text gives one such edge a steady id: the text itself where it is an id.
type fileEdge struct {
	ref   string
	stray fate // alive for a reference
	count int
}

// UnmarshalJSON implements [json.Unmarshaler].
func (e *fileEdge) UnmarshalJSON(b []byte) error {
	if b[0] == '"' {
		return json.Unmarshal(b, &e.ref)
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(b, &object); err != nil || len(object) != 1 {
		return errors.New(`a reference is a text, {"dangling": number} or {"ghost": number}`)
	}
	for key, value := range object {
		switch key {
		case "dangling":
			e.stray = dangling
		case "ghost":
			e.stray = ghost
		default:
			return fmt.Errorf(`a reference is a text, {"dangling": number} or {"ghost": number}, not {%q: …}`, key)
		}
		if value[0] == '"' {
			e.count = 1
			return json.Unmarshal(value, &e.ref)
		}
		if err := json.Unmarshal(value, &e.count); err != nil || e.count < 1 {
			return fmt.Errorf("%s needs a number above 0 or a text", key)
		}
	}
	return nil
}

// MarshalJSON implements [json.Marshaler].
func (e fileEdge) MarshalJSON() ([]byte, error) {
	switch e.stray {
	case dangling:
		return json.Marshal(map[string]string{"dangling": e.ref})
	case ghost:
		return json.Marshal(map[string]string{"ghost": e.ref})
	default:
		return json.Marshal(e.ref)
	}
}

// ids lists the ids of the stray edges that an entry stands for; "" is one to be
// derived.
func (e fileEdge) ids() []string {
	ids := make([]string, e.count)
	if e.ref != "" {
		ids[0] = e.ref
		if !isID(e.ref) {
			ids[0] = deriveID("stray", e.ref)
		}
	}
	return ids
}

// located is an object of a file and the line on which it begins.
type located[T any] struct {
	line  int
	value T
}

// tenantFile is a file that was read and not yet built.
type tenantFile struct {
	head   fileHead
	roles  []located[Role]
	users  []located[User]
	admins []located[Admin]
	groups []located[fileGroup]
	apps   []located[fileApp]

	directories []located[fileDirectory]
	radius      []located[fileRADIUS]

	devices      []located[fileDevice]
	deviceGroups []located[fileDeviceGroup]

	services []located[ServiceAccountRecord]
}

// Load reads a tenant from its JSON form, which docs/SIMULATOR.md describes. The
// error names every fault that was found, up to ten, each with its line and what
// to write instead.
func Load(r io.Reader) (*Tenant, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("read tenant: %w", err)
	}
	p := &fileParser{data: data, dec: json.NewDecoder(bytes.NewReader(data))}
	f := p.file()
	if len(p.faults) > 0 {
		return nil, p.err()
	}
	t := p.build(f)
	if len(p.faults) > 0 {
		return nil, p.err()
	}
	return t, nil
}

// fileParser reads a file and gathers its faults.
type fileParser struct {
	data   []byte
	dec    *json.Decoder
	faults []error
}

const maxFaults = 10

func (p *fileParser) fault(line int, err error) {
	if len(p.faults) < maxFaults {
		p.faults = append(p.faults, fmt.Errorf("tenant file, line %d: %w", line, err))
	}
}

func (p *fileParser) err() error { return errors.Join(p.faults...) }

// line is the line of a byte of the file, counted from 1.
func (p *fileParser) line(offset int64) int {
	offset = min(max(offset, 0), int64(len(p.data)))
	return 1 + bytes.Count(p.data[:offset], []byte("\n"))
}

// file reads the outer object.
func (p *fileParser) file() *tenantFile {
	f := &tenantFile{}
	if !p.delim('{', "a tenant file is one JSON object") {
		return f
	}
	for p.dec.More() {
		token, err := p.dec.Token()
		if err != nil {
			p.fault(p.line(p.dec.InputOffset()), err)
			return f
		}
		key, _ := token.(string)
		var ok bool
		switch key {
		case "organization":
			ok = readOne(p, &f.head.Organization)
		case "holes":
			ok = readOne(p, &f.head.Holes)
		case "roles":
			ok = readList(p, key, &f.roles)
		case "users":
			ok = readList(p, key, &f.users)
		case "admins":
			ok = readList(p, key, &f.admins)
		case "groups":
			ok = readList(p, key, &f.groups)
		case "applications":
			ok = readList(p, key, &f.apps)
		case partDirectories:
			ok = readList(p, key, &f.directories)
		case partRADIUS:
			ok = readList(p, key, &f.radius)
		case partDevices:
			ok = readList(p, key, &f.devices)
		case partDeviceGroups:
			ok = readList(p, key, &f.deviceGroups)
		case partServices:
			ok = readList(p, key, &f.services)
		default:
			p.fault(p.line(p.dec.InputOffset()), fmt.Errorf("unknown part %q; the parts are organization, holes, roles, users, admins, groups, applications, directories, radius_servers, devices, device_groups and service_accounts", key))
			return f
		}
		if !ok {
			return f
		}
	}
	if p.delim('}', "the object does not end") && p.dec.More() {
		p.fault(p.line(p.dec.InputOffset()), errors.New("text after the end of the object"))
	}
	return f
}

// delim reads an expected bracket.
func (p *fileParser) delim(want json.Delim, complaint string) bool {
	token, err := p.dec.Token()
	if err == nil && token == want {
		return true
	}
	if err == nil || errors.Is(err, io.EOF) {
		err = errors.New(complaint)
	}
	p.fault(p.line(p.dec.InputOffset()), err)
	return false
}

// readOne reads one value.
func readOne[T any](p *fileParser, v *T) bool {
	var raw json.RawMessage
	if err := p.dec.Decode(&raw); err != nil {
		p.syntax(err)
		return false
	}
	strict(p, raw, v)
	return true
}

// readList reads an array of objects, each with its line.
func readList[T any](p *fileParser, name string, list *[]located[T]) bool {
	if !p.delim('[', name+" is a list: write [ … ]") {
		return false
	}
	for p.dec.More() {
		var raw json.RawMessage
		if err := p.dec.Decode(&raw); err != nil {
			p.syntax(err)
			return false
		}
		item := located[T]{line: p.line(p.dec.InputOffset() - int64(len(raw)))}
		strict(p, raw, &item.value)
		*list = append(*list, item)
	}
	return p.delim(']', name+" does not end: write ]")
}

// syntax reports text that is not JSON.
func (p *fileParser) syntax(err error) {
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		p.fault(p.line(syntax.Offset), err)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		p.fault(p.line(int64(len(p.data))), errors.New("the file ends too early"))
	default:
		p.fault(p.line(p.dec.InputOffset()), err)
	}
}

// strict decodes the value that was read last, and refuses fields that the
// simulator does not know: they are more likely misspelled than meant.
func strict[T any](p *fileParser, raw json.RawMessage, v *T) {
	start := p.dec.InputOffset() - int64(len(raw))
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	err := dec.Decode(v)
	if err == nil {
		return
	}
	at := start
	if wrongType, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		at += wrongType.Offset
		err = fmt.Errorf("%s is a %s, and must be a %s", wrongType.Field, wrongType.Value, wrongType.Type)
	} else if _, field, ok := strings.Cut(err.Error(), "unknown field "); ok {
		at += int64(max(0, bytes.Index(raw, []byte(field))))
		err = fmt.Errorf(`unknown field %s; fields that the simulator does not know go under "extra": {…}`, field)
	}
	p.fault(p.line(at), err)
}
