package jcsim

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud/query"
)

// The limits of lists, by the documents: 10 rows where none are asked for, 100
// at most, and 1,000 on the search routes, as JumpCloud's own module uses them.
const (
	defaultLimit = 10
	maxLimit     = 100
	maxSearch    = 1000
)

// window is the part of a list that a request asks for.
type window struct{ skip, limit int }

// of cuts the window to a list of n rows.
func (w window) of(n int) (from, to int) {
	from = min(w.skip, n)
	return from, min(from+w.limit, n)
}

// window reads skip and limit from the query.
func (c *call) window(most int) (window, answer, bool) {
	w := window{limit: defaultLimit}
	for _, p := range []struct {
		name string
		to   *int
	}{{"skip", &w.skip}, {"limit", &w.limit}} {
		text := c.query.Get(p.name)
		if text == "" {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return w, c.badRequest(fmt.Sprintf("request parameter %q must be a number of at least 0", p.name)), false
		}
		*p.to = n
	}
	a, ok := c.checkLimit(&w, most)
	return w, a, ok
}

// checkLimit applies the settings' clamp, then the most that the route takes.
func (c *call) checkLimit(w *window, most int) (answer, bool) {
	for pattern, n := range c.cfg.ClampLimit {
		if routeMatches(pattern, c.route) {
			w.limit = min(w.limit, n)
		}
	}
	if w.limit > most {
		return c.badRequest(fmt.Sprintf(`request parameter "limit" exceeds maximum value of %d`, most)), false
	}
	if w.limit == 0 {
		w.limit = min(defaultLimit, most)
	}
	return answer{}, true
}

// badRequest is a 400 in the form that was recorded for a limit above 100.
func (c *call) badRequest(message string) answer {
	b := query.AppendString(append(c.buf, `{"message":`...), "Bad Request: "+message)
	return answer{status: http.StatusBadRequest, body: append(b, '}'), total: -1}
}

// orderOf applies the settings that concern the order of lists.
func orderOf[N object](c *call, table *query.Table[N], param, sep, fallback string) (query.Order, answer, bool) {
	if param != "" && c.cfg.RefuseSort.Has(c.route) {
		return query.Order{}, c.badRequest(`request parameter "sort" is not supported`), false
	}
	if param == "" || c.cfg.IgnoreSort.Has(c.route) {
		if c.cfg.Permute.Has(c.route) {
			return query.Order{}, answer{}, true
		}
		param = fallback
	}
	return table.Order(param, sep), answer{}, true
}

// rows are the rows of a list and where each of the window's rows is.
type rows[N any] struct {
	all      []N
	walk     walk
	permuted bool
}

func (r rows[N]) at(i int) N {
	if r.permuted {
		i = r.walk.at(i)
	}
	return r.all[i]
}

// permuted gives a list of n rows without an order another one with each
// request, where the settings ask for it.
func permuted[N any](c *call, all []N) rows[N] {
	r := rows[N]{all: all}
	if len(all) > 1 && c.cfg.Permute.Has(c.route) {
		r.permuted, r.walk = true, c.shuffle(len(all))
	}
	return r
}

// shuffle is the permutation of one request: a pure function of its number.
func (c *call) shuffle(n int) walk {
	x := uint64(c.n) * 0x9e37_79b9_7f4a_7c15
	x ^= x >> 29
	x *= 0xbf58_476d_1ce4_e5b9
	return newWalk(n, x^x>>32)
}

// selectRows filters and orders a collection.
func selectRows[N object](c *call, col *collection[N], table *query.Table[N], filter query.Filter, order query.Order) rows[N] {
	all := listed(c, col, table, order)
	if len(filter) > 0 {
		test := table.Matcher(filter)
		var some []N
		for _, n := range all {
			if test(n) {
				some = append(some, n)
			}
		}
		all = some
	}
	if !order.Empty() {
		return rows[N]{all: all}
	}
	return permuted(c, all)
}

// total is the number that a list tells: the truth, unless the settings or a
// fault move it.
func (c *call) total(n int) int {
	if c.cfg.MovingTotals.Has(c.route) {
		n += c.n % 3
	}
	return max(0, n+c.delta)
}

// appendRows appends the rows of a window, divided by commas.
func appendRows[N object](c *call, b []byte, r rows[N], w window, table *query.Table[N], fields query.Projection) []byte {
	from, to := w.of(len(r.all))
	empty := len(b)
	for i := from; i < to; i++ {
		n := r.at(i)
		if c.hides(n.ident()) {
			continue
		}
		if len(b) > empty {
			b = append(b, ',')
		}
		b = table.Append(b, n, fields)
	}
	return b
}

// hides reports whether the settings leave a row out that is counted.
func (c *call) hides(id string) bool {
	if len(c.cfg.HideRows) == 0 {
		return false
	}
	most := 0
	for pattern, percent := range c.cfg.HideRows {
		if routeMatches(pattern, c.route) {
			most = max(most, percent)
		}
	}
	sum := sha256.Sum256([]byte(c.r.URL.Path + " " + id))
	return int(binary.BigEndian.Uint16(sum[:])%100) < most
}

// pageV1 is {"totalCount":N,"results":[…]}.
func pageV1[N object](c *call, r rows[N], w window, table *query.Table[N], fields query.Projection) answer {
	b := append(c.buf, '{')
	if !c.cfg.NoTotal.Has(c.route) {
		b = strconv.AppendInt(append(b, `"totalCount":`...), int64(c.total(len(r.all))), 10)
		b = append(b, ',')
	}
	b = appendRows(c, append(b, `"results":[`...), r, w, table, fields)
	return answer{status: http.StatusOK, body: append(b, "]}"...), total: -1}
}

// pageV2 is a bare array, with the total in a header.
func pageV2[N object](c *call, r rows[N], w window, table *query.Table[N], fields query.Projection) answer {
	b := appendRows(c, append(c.buf, '['), r, w, table, fields)
	return answer{status: http.StatusOK, body: append(b, ']'), total: c.headerTotal(len(r.all))}
}

// headerTotal is the total for the header of API v2, or -1 without one.
func (c *call) headerTotal(n int) int {
	if c.cfg.NoTotal.Has(c.route) {
		return -1
	}
	return c.total(n)
}

// listV1 answers GET of a list of API v1. filters is false for lists on which the
// service ignores filters.
func listV1[N object](c *call, col *collection[N], table *query.Table[N], sort string, filters bool) answer {
	w, a, ok := c.window(maxLimit)
	if !ok {
		return a
	}
	order, a, ok := orderOf(c, table, c.query.Get("sort"), " ", sort)
	if !ok {
		return a
	}
	var filter query.Filter
	if filters {
		if c.query.Has("search") {
			return c.badRequest("the simulator knows no search parameter")
		}
		var err error
		if filter, err = query.ParseV1(c.query); err != nil {
			return c.badRequest(err.Error())
		}
	}
	fields := table.Project(strings.Fields(c.query.Get("fields")))
	return pageV1(c, selectRows(c, col, table, filter, order), w, table, fields)
}

// listV2 answers GET of a list of API v2.
func listV2[N object](c *call, col *collection[N], table *query.Table[N]) answer {
	w, a, ok := c.window(maxLimit)
	if !ok {
		return a
	}
	order, a, ok := orderOf(c, table, c.query.Get("sort"), ",", "")
	if !ok {
		return a
	}
	filter, err := query.ParseV2(c.query["filter"])
	if err != nil {
		return c.badRequest(err.Error())
	}
	return pageV2(c, selectRows(c, col, table, filter, order), w, table, table.Project(c.fieldsV2()))
}

// fieldsV2 reads the fields parameter of API v2.
func (c *call) fieldsV2() []string {
	text := c.query.Get("fields")
	if text == "" {
		return nil
	}
	return strings.Split(text, ",")
}

// one answers with a single object.
func one[N object](c *call, status int, n N, table *query.Table[N], names []string) answer {
	return answer{status: status, body: table.Append(c.buf, n, table.Project(names)), total: -1}
}
