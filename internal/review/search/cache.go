package search

import "sync"

// Cache keeps what is made when it is first asked for. Its zero value is empty, and it
// is safe for concurrent use.
type Cache struct {
	mu     sync.Mutex
	values map[string]*lazy
}

// lazy is one value of a cache.
type lazy struct {
	once  sync.Once
	value any
}

// Cached makes something once. A name always stands for the same type.
func Cached[T any](c *Cache, name string, build func() T) T {
	c.mu.Lock()
	if c.values == nil {
		c.values = map[string]*lazy{}
	}
	l, ok := c.values[name]
	if !ok {
		l = &lazy{}
		c.values[name] = l
	}
	c.mu.Unlock()
	l.once.Do(func() { l.value = build() })
	v, _ := l.value.(T)
	return v
}
