package explorer

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-jumpcloud/internal/campaign"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
	"github.com/conductorone/baton-jumpcloud/internal/review/search"
)

const (
	reviewPath = "/review"
	// The parameters of the page of a review besides those of lists.
	paramDecision = "decision"
	paramReviewer = "reviewer"
	paramVia      = "via"

	// maxForm bounds what is sent at once, in bytes: a page of items and a comment.
	maxForm = 1 << 20
	// nameCookie keeps who decides in this browser, for so long.
	nameCookie    = "baton_reviewer"
	nameCookieAge = 365 * 24 * time.Hour
	// exceptionMonths is how long an exception lasts where nothing else is said.
	exceptionMonths = 3
)

// reviewPage is a review that is decided.
type reviewPage struct {
	Title, Path, Source   string
	Closed                string // by whom and when; empty while it is open
	By                    string
	Action, Back, Here    string
	Counts                campaign.Counts
	Decided               int
	Search                string
	Decisions, Who, Vias  []choice
	Rows                  []reviewRow
	Matching              int
	Pages                 pager
	DefaultUntil, Message string
}

// reviewRow is an item on the page.
type reviewRow struct {
	campaign.Row
	AccountURL, ResourceURL string
	Facts                   string // of the account, in words
	Badge                   string // of the decision
	Note                    string // who decided, when and why
}

// decideReview shows a review.
func decideReview(v *view) error {
	f := v.e.cfg.Review
	v.section, v.title, v.scripts = reviewPath, f.Header().Title, []string{"review.js"}
	if err := f.Refresh(v.r.Context()); err != nil {
		return err
	}
	page, err := v.page()
	if err != nil {
		return err
	}
	all := f.Rows()
	filter, err := rowFilter(v.params)
	if err != nil {
		return err
	}
	found := campaign.Find(all, filter)
	q := search.Query{Offset: (page - 1) * rowsPerPage, Limit: rowsPerPage}
	shown := found[min(q.Offset, len(found)):min(q.Offset+q.Limit, len(found))]
	counts := campaign.Count(all)
	h := f.Header()
	p := &reviewPage{
		Title: v.title, Path: f.Path(), By: reviewerName(v.r), Action: v.e.prefix() + reviewPath, Back: v.r.URL.RawQuery, Here: v.url(reviewPath),
		Source: fmt.Sprintf("Made by %s on %s from %s, sync of %s", h.CreatedBy, day(h.CreatedAt), h.Source.Archive, day(h.Source.Started)),
		Counts: counts, Decided: counts.Items - counts.Undecided, Search: filter.Search, Matching: len(found),
		Pages: pages(v, q, len(found), len(shown)), DefaultUntil: time.Now().AddDate(0, exceptionMonths, 0).Format(time.DateOnly),
	}
	if closed := f.Closed(); closed != nil {
		p.Closed = fmt.Sprintf("Closed by %s on %s: its decisions are final.", closed.By, day(closed.At))
	}
	p.Decisions = optionsOf(append([]string{campaign.Undecided.String()}, campaign.Decisions()...), filter.Decision)
	p.Who, p.Vias = optionsOf(campaign.Reviewers(all), filter.Reviewer), optionsOf(stepsOf(all), filter.Via)
	for i := range shown {
		p.Rows = append(p.Rows, v.reviewRow(&shown[i]))
	}
	return v.render("review", p)
}

// rowFilter is which rows an address asks for.
func rowFilter(params url.Values) (campaign.RowFilter, error) {
	f := campaign.RowFilter{Decision: params.Get(paramDecision), Reviewer: params.Get(paramReviewer), Via: params.Get(paramVia), Search: params.Get(paramSearch)}
	if f.Decision != "" && f.Decision != campaign.Undecided.String() {
		if _, err := campaign.ParseDecision(f.Decision); err != nil {
			return f, &problem{http.StatusBadRequest, err}
		}
	}
	return f, nil
}

// optionsOf are the options of a filter, with one for all.
func optionsOf(values []string, chosen string) []choice {
	list := []choice{{"", "all", chosen == ""}}
	for _, value := range values {
		list = append(list, choice{value, value, value == chosen})
	}
	return list
}

// stepsOf names what access is inherited from.
func stepsOf(rows []campaign.Row) []string {
	var names []string
	for i := range rows {
		for at := range rows[i].Steps {
			names = append(names, rows[i].Steps[at].Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func (v *view) reviewRow(r *campaign.Row) reviewRow {
	row := reviewRow{Row: *r, Badge: decisionBadge(r.Decision), Note: decisionNote(&r.State)}
	if p, ok := v.sync.ByID(r.Account.Type, r.Account.ID); ok {
		row.AccountURL = v.resourceURL(v.sync.Brief(p))
	}
	if p, ok := v.sync.ByID(r.Resource.Type, r.Resource.ID); ok {
		row.ResourceURL = v.resourceURL(v.sync.Brief(p))
	}
	facts := []string{r.Account.Email, r.Account.Title, r.Account.Department}
	if r.Account.Status != "enabled" {
		facts = append(facts, strings.TrimSpace(r.Account.Status+" "+r.Account.Details))
	}
	if !r.Account.LastLogin.IsZero() {
		facts = append(facts, "last login "+r.Account.LastLogin.UTC().Format(time.DateOnly))
	}
	row.Facts = strings.Join(slices.DeleteFunc(facts, func(s string) bool { return s == "" }), ", ")
	return row
}

func decisionBadge(d campaign.Decision) string {
	switch d {
	case campaign.Keep:
		return "good"
	case campaign.Revoke:
		return "bad"
	case campaign.Exception:
		return "warn"
	default:
		return "plain"
	}
}

// decisionNote says who decided, when and why.
func decisionNote(s *campaign.State) string {
	if s.Decision == campaign.Undecided {
		return ""
	}
	note := "by " + s.By + ", " + day(s.At)
	if s.Until != "" {
		note = "until " + s.Until + ", " + note
	}
	if s.Comment != "" {
		note += ": " + s.Comment
	}
	return note
}

// reviewerName is who decides in this browser, as far as it has said.
func reviewerName(r *http.Request) string {
	c, err := r.Cookie(nameCookie)
	if err != nil {
		return ""
	}
	name, err := url.QueryUnescape(c.Value)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(name)
}

// takeDecision takes decisions that a page sends. Who may send one has been checked by
// the package gate.
func takeDecision(v *view) error {
	v.section, v.title = reviewPath, "Review"
	r := v.r
	r.Body = http.MaxBytesReader(v.w, r.Body, maxForm)
	script := r.Header.Get("Accept") == "application/json"
	answer, err := v.decide()
	status := http.StatusBadRequest
	switch code := fault.Code(err); {
	case err == nil:
	case code == codes.FailedPrecondition:
		status = http.StatusConflict
	case code != codes.InvalidArgument && code != codes.NotFound:
		status = http.StatusInternalServerError
		v.e.cfg.Logger.ErrorContext(r.Context(), "decision not taken", "error", err)
	}
	if script {
		if err != nil {
			answer = &decidedAnswer{Error: sentence(err)}
			v.status = status
		}
		v.w.Header().Set("Content-Type", "application/json")
		v.w.WriteHeader(v.status)
		return json.NewEncoder(v.w).Encode(answer)
	}
	if err != nil {
		return &problem{status, err}
	}
	// The address is written anew from its parameters, so that it leads nowhere else.
	back, _ := url.ParseQuery(r.PostFormValue("back"))
	http.Redirect(v.w, r, v.address(reviewPath, back), http.StatusSeeOther) //nolint:gosec // The path is that of this page.
	return nil
}

// decidedAnswer is what a script gets.
type decidedAnswer struct {
	Error  string          `json:"error,omitempty"`
	Rows   []decidedRow    `json:"rows"`
	Counts campaign.Counts `json:"counts"`
}

type decidedRow struct {
	Item     int               `json:"item"`
	Decision string            `json:"decision"`
	Value    campaign.Decision `json:"value"`
	Badge    string            `json:"badge"`
	Note     string            `json:"note"`
	Comment  string            `json:"comment"`
	Until    string            `json:"until"`
}

// errNothingChosen is a form without an item.
var errNothingChosen = errors.New("no item is selected")

// decide makes the decisions of a form.
func (v *view) decide() (*decidedAnswer, error) {
	if err := v.r.ParseForm(); err != nil {
		return nil, fault.Invalid("form cannot be read: %w", err)
	}
	form := v.r.PostForm //nolint:forbidigo // It is a field of a request, and sends nothing.
	by := strings.TrimSpace(form.Get("by"))
	if by == "" {
		by = reviewerName(v.r)
	}
	if by == "" {
		return nil, fault.Invalid("missing name: say who decides")
	}
	items, decision, err := v.chosen(form)
	if err != nil {
		return nil, err
	}
	choices := make([]campaign.Choice, len(items))
	for i, item := range items {
		choices[i] = campaign.Choice{Item: item, Decision: decision, Comment: strings.TrimSpace(form.Get("comment")), Until: strings.TrimSpace(form.Get("until"))}
		if decision != campaign.Exception {
			choices[i].Until = ""
		}
	}
	f := v.e.cfg.Review
	if _, err := f.Decide(v.r.Context(), campaign.Actor{By: by, From: "browser"}, choices); err != nil {
		return nil, err
	}
	http.SetCookie(v.w, &http.Cookie{ //nolint:gosec // It is a name, and on loopback there is no TLS.
		Name: nameCookie, Value: url.QueryEscape(by), Path: "/", MaxAge: int(nameCookieAge.Seconds()), HttpOnly: true, SameSite: http.SameSiteStrictMode,
	})
	rows := f.Rows()
	answer := &decidedAnswer{Rows: []decidedRow{}, Counts: campaign.Count(rows)}
	for _, item := range items {
		s := &rows[item-1].State
		answer.Rows = append(answer.Rows, decidedRow{item, s.Decision.String(), s.Decision, decisionBadge(s.Decision), decisionNote(s), s.Comment, s.Until})
	}
	return answer, nil
}

// chosen is what a form decides about which items: those of one row, those that are
// ticked, or all that the filter of the page lets through and nobody has decided.
func (v *view) chosen(form url.Values) (items []int, decision campaign.Decision, err error) {
	word := form.Get("decide")
	if one := form.Get("one"); one != "" {
		item, rest, _ := strings.Cut(one, ":")
		form["item"], word = []string{item}, rest
	}
	if word != campaign.Undecided.String() {
		if decision, err = campaign.ParseDecision(word); err != nil {
			return nil, "", err
		}
	}
	if form.Get("filtered") != "" && form.Get("one") == "" {
		back, err := url.ParseQuery(form.Get("back"))
		if err != nil {
			return nil, "", fault.Invalid("filter of the page cannot be read")
		}
		filter, err := rowFilter(back)
		if err != nil {
			return nil, "", err
		}
		for _, r := range campaign.Find(v.e.cfg.Review.Rows(), filter) {
			if r.Decision == campaign.Undecided {
				items = append(items, r.Item.ID)
			}
		}
	} else {
		for _, text := range form["item"] {
			item, err := strconv.Atoi(text)
			if err != nil {
				return nil, "", fault.Invalid("item %q does not exist", text)
			}
			items = append(items, item)
		}
	}
	if len(items) == 0 {
		return nil, "", fault.WithCode(codes.InvalidArgument, "%w", errNothingChosen)
	}
	return items, decision, nil
}
