package jumpcloud

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"sync/atomic"
)

// shortcut is a way to ask that saves requests or bytes and that not every tenant
// is promised to know. When it is refused and the plain way works, it stays off
// for the life of the client.
type shortcut struct {
	// note says what is done without it.
	note string
	// refusal lists the statuses that say: not in this form.
	refusal []int
	off     atomic.Bool
	worked  atomic.Bool
}

// shortcuts are those in use.
type shortcuts struct {
	search, userFields, appFields, adminOrder, groupOrder, appOrder, allTargets shortcut
}

// prepare gives the shortcuts their notes.
func (s *shortcuts) prepare() {
	form := []int{http.StatusBadRequest}
	whole := []int{http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound}
	set := func(s *shortcut, refusal []int, note string) { s.note, s.refusal = note, refusal }
	set(&s.search, whole, "users are listed 100 a page instead of searched 1,000 a page")
	set(&s.userFields, form, "users are listed with all their fields")
	set(&s.appFields, form, "applications are listed with all their fields; config is not decoded")
	set(&s.adminOrder, form, "administrators are listed in no order")
	set(&s.groupOrder, form, "user groups are listed in no order")
	set(&s.appOrder, form, "applications are listed in no order")
	set(&s.allTargets, whole, "the associations of an application are listed with one request for each type")
}

// refuses reports whether err is the tenant's refusal of the shortcut, and not a
// fault of its own. Once it has worked, only 400 is taken for a refusal: a 403 or
// 404 is then about the object.
func (s *shortcut) refuses(err error) bool {
	var e *Error
	if !errors.As(err, &e) || e.Kind == KindUnavailable {
		return false
	}
	if s.worked.Load() {
		return e.Status == http.StatusBadRequest
	}
	return slices.Contains(s.refusal, e.Status)
}

// try asks by the shortcut, and the plain way when that is refused. Where the
// plain way fails too, its error is the one returned: it is the documented one.
func try[T any](ctx context.Context, logger *slog.Logger, s *shortcut, short, plain func(context.Context) (T, error)) (T, error) {
	if s.off.Load() {
		return plain(ctx)
	}
	v, err := short(ctx)
	if err == nil {
		s.worked.Store(true)
		return v, nil
	}
	if !s.refuses(err) {
		return v, err
	}
	v, plainErr := plain(ctx)
	if plainErr == nil && s.off.CompareAndSwap(false, true) {
		logger.WarnContext(ctx, s.note, slog.Any("refusal", err))
	}
	return v, plainErr
}
