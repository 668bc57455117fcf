package services

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"

	"github.com/conductorone/baton-jumpcloud/internal/connector"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// maxToken is the greatest length of a page token: that of the protocol.
const maxToken = 1 << 20

// place is where a page token is good: a list of a sync of an organization.
type place struct {
	list         string // what is listed
	of           syncer.Ref
	sync         string
	organization string
}

const (
	tokenVersion = 1
	sumBytes     = 8
)

// seal makes a token that only the same place opens.
func (p place) seal(content []byte) string {
	return base64.RawURLEncoding.EncodeToString(append(append([]byte{tokenVersion}, p.sum(content)...), content...))
}

// open is the inverse of [place.seal]. A token that was cut or changed, or is of another
// place, is an error.
func (p place) open(token string) ([]byte, error) {
	if len(token) > maxToken {
		return nil, fault.Invalid("invalid page token: %d bytes, more than %d", len(token), maxToken)
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(b) < 1+sumBytes || b[0] != tokenVersion || !bytes.Equal(b[1:1+sumBytes], p.sum(b[1+sumBytes:])) {
		return nil, fault.Invalid("invalid page token: damaged, or of another list, sync or organization; start the list again without one")
	}
	return b[1+sumBytes:], nil
}

// sum guards against damage and mistakes. It is no secret: the platform that holds the
// tokens may ask for everything anyway.
func (p place) sum(content []byte) []byte {
	h := sha256.New()
	for _, part := range []string{p.list, p.of.Type, p.of.ID, p.sync, p.organization} {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(part)))
		h.Write(n[:])
		h.Write([]byte(part))
	}
	h.Write(content)
	return h.Sum(nil)[:sumBytes]
}

// holder is who holds a resource.
type holder struct {
	syncer.Ref
	name string // of one whom the directory lacks, "" for others
	sudo bool   // administrator of the device that is held
	// own says that it is so by the user's own setting, and reached that others lead to the
	// device alone.
	own, reached bool
	// second says that the holder is in the second list of a resource that has two.
	second bool
}

// The kinds of ids in a packed holder. JumpCloud's ids are 24 hexadecimal digits.
const (
	packedUser = 1 << iota
	packedGroup
	packedHex
	packedName
	packedSudo
	packedSecond
	packedOwn // with packedSudo: and bound to the device
	packedEnd

	packedDevice         = packedUser | packedGroup
	packedServiceAccount = 0
)

const idBytes = 12

// pack appends a holder in 13 bytes, or more where something about it is unusual.
func (h holder) pack(b []byte) []byte {
	flags := byte(packedUser)
	switch h.Type {
	case restype.Group:
		flags = packedGroup
	case restype.Device:
		flags = packedDevice
	case restype.ServiceAccount:
		flags = packedServiceAccount
	}
	if h.own {
		flags |= packedOwn
	}
	if h.sudo && !h.reached {
		flags |= packedSudo
	}
	if h.second {
		flags |= packedSecond
	}
	raw, err := hex.DecodeString(h.ID)
	isHex := err == nil && len(raw) == idBytes && hex.EncodeToString(raw) == h.ID
	if isHex {
		flags |= packedHex
	}
	if h.name != "" {
		flags |= packedName
	}
	b = append(b, flags)
	if isHex {
		b = append(b, raw...)
	} else {
		b = append(binary.AppendUvarint(b, uint64(len(h.ID))), h.ID...)
	}
	if h.name != "" {
		b = append(binary.AppendUvarint(b, uint64(len(h.name))), h.name...)
	}
	return b
}

// unpackHolders reads what [holder.pack] has appended.
func unpackHolders(b []byte) ([]holder, error) {
	invalid := fault.Invalid("invalid page token: unreadable content")
	text := func() (string, bool) {
		n, used := binary.Uvarint(b)
		if used <= 0 || n == 0 || n > connector.MaxID {
			return "", false
		}
		end := used + int(n)
		if end > len(b) {
			return "", false
		}
		s := string(b[used:end])
		b = b[end:]
		return s, true
	}
	var all []holder
	for len(b) > 0 {
		flags := b[0]
		b = b[1:]
		var h holder
		switch flags & (packedUser | packedGroup) {
		case packedUser:
			h.Type = restype.User
		case packedGroup:
			h.Type = restype.Group
		case packedDevice:
			h.Type = restype.Device
		case packedServiceAccount:
			h.Type = restype.ServiceAccount
		}
		h.own, h.second = flags&packedOwn != 0, flags&packedSecond != 0
		h.sudo = h.own || flags&packedSudo != 0
		h.reached = h.own && flags&packedSudo == 0
		ok := flags < packedEnd
		switch {
		case !ok:
		case flags&packedHex == 0:
			h.ID, ok = text()
		case len(b) < idBytes:
			ok = false
		default:
			h.ID, b = hex.EncodeToString(b[:idBytes]), b[idBytes:]
		}
		if ok && flags&packedName != 0 {
			h.name, ok = text()
		}
		if !ok {
			return nil, invalid
		}
		all = append(all, h)
	}
	return all, nil
}

func refOf(id *v2.ResourceId) syncer.Ref {
	return syncer.Ref{Type: id.GetResourceType(), ID: id.GetResource()}
}

func idOf(r syncer.Ref) *v2.ResourceId {
	return &v2.ResourceId{ResourceType: r.Type, Resource: r.ID}
}
