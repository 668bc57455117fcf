package pebblestore

import (
	"bytes"
	"strings"
)

// The first bytes of keys, by family.
const (
	familyResourceType = "\x03\x01"
	familyResource     = "\x03\x02"
	familyEntitlement  = "\x03\x03"
	familyGrant        = "\x03\x04"
	familyAsset        = "\x03\x05"
	keySyncRun         = "\x03\x06"
	familySession      = "\x03\x09"

	indexByParent    = "\x03\x07\x01"
	indexByPrincipal = "\x03\x07\x04"
	indexToExpand    = "\x03\x07\x05"

	familyMeta   = "\x03\xff"
	keyKeyspace  = familyMeta + "keyspace_version"
	keyIDFormat  = familyMeta + "grant_entitlement_id_format"
	keyStats     = familyMeta + "stats\x00"
	stampCurrent = "\x00\x00\x00\x02"
	stampLegacy  = "\x00\x00\x00\x00"
)

// separator stands in front of each part of a key. Parts have their zeros escaped.
const separator = 0x00

// The flags of an entitlement in a key: whether its id begins with its resource, so
// that only the rest of it is stored.
const (
	flagWhole = "0"
	flagTail  = "1"
)

// appendPart adds a part to a key: a separator, then the text with 00 as 01 01 and 01
// as 01 02.
func appendPart[T ~string | ~[]byte](key []byte, part T) []byte {
	key = append(key, separator)
	plain := true
	for i := range len(part) {
		if part[i] <= 1 {
			plain = false
			break
		}
	}
	if plain {
		return append(key, part...)
	}
	for i := range len(part) {
		switch c := part[i]; c {
		case 0:
			key = append(key, 1, 1)
		case 1:
			key = append(key, 1, 2)
		default:
			key = append(key, c)
		}
	}
	return key
}

// appendParts adds several.
func appendParts[T ~string | ~[]byte](key []byte, parts ...T) []byte {
	for _, p := range parts {
		key = appendPart(key, p)
	}
	return key
}

// identity is how a key names an entitlement of a resource: by what follows the
// resource in its id, or by the whole id.
func identity[T ~string | ~[]byte](resourceType, resource, id T) (flag string, tail T) {
	t, r := len(resourceType), len(resource)
	if len(id) >= t+r+2 && string(id[:t]) == string(resourceType) && id[t] == ':' &&
		string(id[t+1:t+1+r]) == string(resource) && id[t+1+r] == ':' {
		return flagTail, id[t+r+2:]
	}
	return flagWhole, id
}

// appendEntitlement adds the four parts that name an entitlement.
func appendEntitlement[T ~string | ~[]byte](key []byte, resourceType, resource, id T) []byte {
	flag, tail := identity(resourceType, resource, id)
	key = appendPart(appendPart(key, resourceType), resource)
	return appendPart(appendPart(key, flag), tail)
}

// appendGrant adds the six parts that name a grant.
func appendGrant[T ~string | ~[]byte](key []byte, resourceType, resource, entitlement, principalType, principal T) []byte {
	return appendParts(appendEntitlement(key, resourceType, resource, entitlement), principalType, principal)
}

// splitKey takes the parts of a key behind its family apart. It returns false for a
// key that is not so many parts or is not escaped as it must be.
func splitKey(key []byte, family string, n int) ([]string, bool) {
	parts := make([]string, 0, n)
	rest, ok := bytes.CutPrefix(key, []byte(family))
	if !ok || len(rest) == 0 || rest[0] != separator {
		return parts, false
	}
	for len(rest) > 0 {
		rest = rest[1:]
		end := bytes.IndexByte(rest, separator)
		if end < 0 {
			end = len(rest)
		}
		part, ok := unescape(rest[:end])
		if !ok {
			return parts, false
		}
		parts, rest = append(parts, part), rest[end:]
	}
	return parts, len(parts) == n
}

func unescape(b []byte) (string, bool) {
	if bytes.IndexByte(b, 1) < 0 {
		return string(b), true
	}
	var s strings.Builder
	for i := 0; i < len(b); i++ {
		if b[i] != 1 {
			s.WriteByte(b[i])
			continue
		}
		i++
		if i == len(b) || b[i] != 1 && b[i] != 2 {
			return "", false
		}
		s.WriteByte(b[i] - 1)
	}
	return s.String(), true
}

// span is a range of keys, from the first up to and without the second.
type span struct{ from, to []byte }

// family is the span of all keys of a family, which a separator follows.
func family(prefix string) span {
	return span{from: append([]byte(prefix), separator), to: append([]byte(prefix), separator+1)}
}

// below is the span of the keys that have these parts and more.
func below[T ~string | ~[]byte](prefix string, parts ...T) span {
	return spanOf(appendParts([]byte(prefix), parts...))
}

// spanOf is the span of the keys that go on with a further part.
func spanOf(key []byte) span {
	return span{from: append(bytes.Clone(key), separator), to: append(bytes.Clone(key), separator+1)}
}
