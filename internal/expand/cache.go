package expand

import (
	"container/list"
	"context"
	"encoding/binary"
	"fmt"
	"strconv"
)

// cache remembers the holders of entitlements, those used last. Holders that were
// computed are spilled before they are forgotten; others can be read again.
type cache struct {
	limit, size int // bytes
	spill       Spill
	used        *list.List // of *entry, the one used last in front
	byKey       map[int]*list.Element
	spilled     map[int]bool
}

type entry struct {
	entitlement int
	holders     []uint32
	computed    bool
}

const holderBytes = 4

func newCache(limit int, spill Spill) *cache {
	return &cache{limit: limit, spill: spill, used: list.New(), byKey: map[int]*list.Element{}, spilled: map[int]bool{}}
}

// get finds holders, which for computed ones never fails to find them once they
// were put.
func (c *cache) get(ctx context.Context, e int, computed bool) (holders []uint32, found bool, err error) {
	if el := c.byKey[e]; el != nil {
		c.used.MoveToFront(el)
		return el.Value.(*entry).holders, true, nil //nolint:forcetypeassert // the list holds nothing else.
	}
	if !computed {
		return nil, false, nil
	}
	if !c.spilled[e] {
		return nil, false, fmt.Errorf("entitlement %d is needed before it is worked out", e)
	}
	value, err := c.spill.Load(ctx, strconv.Itoa(e))
	if err != nil {
		return nil, false, err
	}
	holders = make([]uint32, len(value)/holderBytes)
	for i := range holders {
		holders[i] = binary.LittleEndian.Uint32(value[i*holderBytes:])
	}
	return holders, true, c.put(ctx, e, holders, true)
}

// put remembers holders.
func (c *cache) put(ctx context.Context, e int, holders []uint32, computed bool) error {
	if c.byKey[e] != nil {
		return nil
	}
	c.byKey[e] = c.used.PushFront(&entry{e, holders, computed})
	c.size += cap(holders) * holderBytes
	for c.size > c.limit && c.used.Len() > 0 {
		el := c.used.Back()
		old := el.Value.(*entry) //nolint:forcetypeassert // the list holds nothing else.
		if old.computed && !c.spilled[old.entitlement] {
			value := make([]byte, 0, len(old.holders)*holderBytes)
			for _, h := range old.holders {
				value = binary.LittleEndian.AppendUint32(value, h)
			}
			if err := c.spill.Save(ctx, strconv.Itoa(old.entitlement), value); err != nil {
				return err
			}
			c.spilled[old.entitlement] = true
		}
		c.used.Remove(el)
		delete(c.byKey, old.entitlement)
		c.size -= cap(old.holders) * holderBytes
	}
	return nil
}
