package jcsim

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud/query"
)

// appendSSHKeys writes the keys of a user as user records and their own route show them.
func appendSSHKeys(b []byte, keys []SSHKey) []byte {
	b = append(b, '[')
	for i, k := range keys {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendSSHKey(b, k)
	}
	return append(b, ']')
}

func appendSSHKey(b []byte, k SSHKey) []byte {
	b = query.AppendString(append(b, `{"_id":`...), k.ID)
	b = query.AppendString(append(b, `,"name":`...), k.Name)
	b = query.AppendString(append(b, `,"public_key":`...), k.PublicKey)
	b = query.AppendString(append(b, `,"create_date":`...), k.Created)
	return append(b, '}')
}

// listSSHKeys answers GET /api/systemusers/{id}/sshkeys with an array, as the document says.
func listSSHKeys(c *call) answer {
	n, ok := find(c, c.t.users, c.r.PathValue("id"))
	if !ok {
		return c.notFound()
	}
	return answer{status: http.StatusOK, body: appendSSHKeys(c.buf, n.SSHKeys), total: -1}
}

// addSSHKey answers POST with the key.
func addSSHKey(c *call) answer {
	n, ok := c.t.users.index[c.r.PathValue("id")]
	if !ok {
		return c.notFound()
	}
	var key SSHKey
	if err := json.Unmarshal(c.body, &key); err != nil {
		return c.invalid("body", err.Error())
	}
	if key.Name == "" || key.PublicKey == "" {
		return c.invalid("public_key", "name and public_key are required")
	}
	key.ID, key.Created = deriveID("sshkey", n.id, key.Name, key.PublicKey), time.Now().UTC().Format(wireTime)
	if slices.ContainsFunc(n.SSHKeys, func(k SSHKey) bool { return k.ID == key.ID }) {
		return c.fail(http.StatusConflict, "Already Exists")
	}
	before := *n
	must(c.t.updateUser(n, func(u *User) { u.SSHKeys = append(slices.Clone(u.SSHKeys), key) }))
	c.s.lag.replaced(c, &before)
	return answer{status: http.StatusOK, body: appendSSHKey(c.buf, key), total: -1}
}

// deleteSSHKey answers DELETE with the id of the key, as the document says.
func deleteSSHKey(c *call) answer {
	n, ok := c.t.users.index[c.r.PathValue("id")]
	if !ok {
		return c.notFound()
	}
	id := c.r.PathValue("key")
	i := slices.IndexFunc(n.SSHKeys, func(k SSHKey) bool { return k.ID == id })
	if i < 0 {
		return c.notFound()
	}
	before := *n
	must(c.t.updateUser(n, func(u *User) { u.SSHKeys = slices.Delete(slices.Clone(u.SSHKeys), i, i+1) }))
	c.s.lag.replaced(c, &before)
	return c.raw(http.StatusOK, `"`+id+`"`)
}
