package explorer

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/conductorone/baton-jumpcloud/internal/review"
)

const (
	// The parameters of a graph: how many holdings and holders are drawn, and which
	// resources beside its own are, written "type:id".
	paramMost   = "most"
	paramExpand = "expand"

	graphFirst  = 30
	graphMost   = 480
	graphExpand = 12 // of each further resource
	// maxExpanded is how many further resources are drawn.
	maxExpanded = 24
	// maxTree bounds the list that says the same as the graph: what can be reached by
	// many ways is in it many times.
	maxTree = 400
)

// graphPage is a graph as a page shows it: drawn by a script, and as a list.
type graphPage struct {
	Label string
	Data  *graphData
	Tree  []*treeNode
	Rest  string
	More  string // address with more of it; empty where all is shown
}

// graphData is what the script draws.
type graphData struct {
	Nodes []graphNode `json:"nodes"`
	Edges []graphEdge `json:"edges"`
}

type graphNode struct {
	ID    string `json:"id"`
	Label string `json:"label"`
	// Note is the second line: what it is.
	Note string `json:"note"`
	Kind string `json:"kind"`
	Href string `json:"href"`
	// More is the address of the graph with this node drawn further. In a node that
	// only stands for others, following it does that.
	More string `json:"more,omitempty"`
	Rest bool   `json:"rest,omitempty"`
}

type graphEdge struct {
	From string `json:"from"`
	To   string `json:"to"`
	// Own says that the first has the second itself, and not those who have it.
	Own bool `json:"own"`
}

// treeNode is a node of the list, with what it leads to.
type treeNode struct {
	Link     cell
	Note     string
	Children []*treeNode
}

// graph answers with the data of a graph, for the script that draws further parts.
func graph(v *view) error {
	r, err := v.lookUp()
	if err != nil {
		return err
	}
	page, err := v.graphOf(r)
	if err != nil {
		return err
	}
	text, err := json.Marshal(page.Data)
	if err != nil {
		return err
	}
	v.w.Header().Set("Content-Type", "application/json")
	// Whoever does not read to the end has left.
	_, _ = v.w.Write(text)
	return nil
}

// graphOf draws what a resource holds and who holds it.
func (v *view) graphOf(r review.ResourceRow) (*graphPage, error) {
	most := graphFirst
	if text := v.params.Get(paramMost); text != "" {
		var err error
		if most, err = strconv.Atoi(text); err != nil || most < 1 {
			return nil, &problem{http.StatusBadRequest, errors.New("the number of nodes must be at least 1")}
		}
	}
	most = min(most, graphMost)
	expanded := v.params[paramExpand]
	if len(expanded) > maxExpanded {
		expanded = expanded[len(expanded)-maxExpanded:]
	}
	v.scripts = append(v.scripts, "vendor/dagre/dagre.min.js", "graph.js")
	g := v.sync.Graph(r.Ref, most)
	d := &drawing{v: v, of: r, most: most, expanded: expanded, known: map[review.Ref]bool{}, edges: map[graphEdge]bool{}}
	d.add(g)
	for _, text := range expanded {
		if ref, ok := v.refOf(text); ok {
			further := v.sync.Graph(ref, graphExpand)
			d.add(further)
			d.rest("holdings-"+id(ref), ref, true, further.HiddenHoldings, v.resourceURL(v.sync.Brief(ref)))
			d.rest("members-"+id(ref), ref, false, further.HiddenMembers, v.resourceURL(v.sync.Brief(ref)))
		}
	}
	page := &graphPage{Label: "What " + short(r.Name) + " has access to, and via what", Tree: v.tree(g)}
	if hidden := g.HiddenHoldings + g.HiddenMembers; hidden > 0 {
		page.Rest = number(hidden) + " more not shown."
		if most < graphMost {
			page.More = v.with(paramMost, strconv.Itoa(min(4*most, graphMost)))
		}
	}
	d.rest("holdings", r.Ref, true, g.HiddenHoldings, page.More)
	d.rest("members", r.Ref, false, g.HiddenMembers, page.More)
	if d.data.Edges == nil {
		d.data.Edges = []graphEdge{} // Who has nothing is drawn alone.
	}
	page.Data = &d.data
	return page, nil
}

func (v *view) refOf(text string) (review.Ref, bool) {
	for i := range len(text) {
		if text[i] == ':' {
			if ref, ok := v.sync.ByID(text[:i], text[i+1:]); ok {
				return ref, true
			}
		}
	}
	return review.NoRef, false
}

func id(r review.Ref) string { return strconv.Itoa(int(r)) }

// drawing collects nodes and edges from several graphs.
type drawing struct {
	v        *view
	of       review.ResourceRow
	most     int
	expanded []string
	known    map[review.Ref]bool
	edges    map[graphEdge]bool
	data     graphData
}

func (d *drawing) add(g review.Graph) {
	for _, n := range g.Nodes {
		if !d.known[n.Ref] {
			d.known[n.Ref] = true
			d.data.Nodes = append(d.data.Nodes, d.node(n.Brief))
		}
	}
	for _, e := range g.Edges {
		d.edge(graphEdge{id(g.Nodes[e.From].Ref), id(g.Nodes[e.To].Ref), e.Own})
	}
}

func (d *drawing) edge(e graphEdge) {
	if !d.edges[e] {
		d.edges[e] = true
		d.data.Edges = append(d.data.Edges, e)
	}
}

func (d *drawing) node(b review.Brief) graphNode {
	n := graphNode{ID: id(b.Ref), Label: short(b.Name), Note: short(d.v.typeName(b.Type)), Kind: b.Kind.String(), Href: d.v.resourceURL(b)}
	name := b.Type + ":" + b.ID
	if row := d.v.sync.Row(b.Ref); b.Ref != d.of.Ref && !slices.Contains(d.expanded, name) && row.Members.All+row.Holdings.All > 1 {
		n.More = d.address(d.most, append(slices.Clone(d.expanded), name))
	}
	return n
}

// rest draws a node in place of those that are not drawn.
func (d *drawing) rest(name string, of review.Ref, after bool, hidden int, href string) {
	if hidden == 0 {
		return
	}
	n := graphNode{ID: name, Label: number(hidden) + " more", Note: "not drawn", Kind: "rest", Href: href, Rest: true}
	if of == d.of.Ref && d.most < graphMost {
		n.More = d.address(min(4*d.most, graphMost), d.expanded)
	}
	if href == "" {
		n.Href = d.v.resourceURL(d.of.Brief)
	}
	d.data.Nodes = append(d.data.Nodes, n)
	if after {
		d.edge(graphEdge{From: id(of), To: name, Own: true})
	} else {
		d.edge(graphEdge{From: name, To: id(of), Own: true})
	}
}

// address is that of the graph's data.
func (d *drawing) address(most int, expanded []string) string {
	return d.v.address("/graph", url.Values{
		paramType: {d.of.Type}, paramID: {d.of.ID}, paramMost: {strconv.Itoa(most)}, paramExpand: expanded,
	})
}

// tree is what can be reached from the first node, as a list.
func (v *view) tree(g review.Graph) []*treeNode {
	next := make(map[int][]int)
	for _, e := range g.Edges {
		if !slices.Contains(next[e.From], e.To) {
			next[e.From] = append(next[e.From], e.To)
		}
	}
	left := maxTree
	var grow func(at int, on []int) []*treeNode
	grow = func(at int, on []int) []*treeNode {
		var list []*treeNode
		for _, to := range next[at] {
			if slices.Contains(on, to) || left == 0 {
				continue
			}
			left--
			n := &treeNode{Link: v.briefCell(g.Nodes[to].Brief), Note: short(v.typeName(g.Nodes[to].Type))}
			n.Children = grow(to, append(slices.Clone(on), to))
			list = append(list, n)
		}
		return list
	}
	return grow(0, []int{0})
}
