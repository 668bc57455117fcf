package campaign

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"
)

// itemsDigest is the hash of all items, each in JSON on a line of its own.
type itemsDigest struct{ hash.Hash }

func newItemsDigest() itemsDigest { return itemsDigest{sha256.New()} }

func (d itemsDigest) add(item []byte) {
	d.Write(item)
	d.Write([]byte{'\n'})
}

func (d itemsDigest) sum() string { return hex.EncodeToString(d.Sum(nil)) }
