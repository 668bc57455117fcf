package jumpcloud

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud/paging"
)

// errShape is an answer that is JSON but not the list or object it should be.
var errShape = errors.New("unexpected response shape")

// rowError is an object that cannot be used, which fails a sync: leaving it out
// would be a silent hole.
type rowError struct {
	list string
	row  int
	err  error
}

// Error names the list and the place of the object in the page.
func (e *rowError) Error() string {
	return fmt.Sprintf("object %d of this page of %s: %v", e.row+1, e.list, e.err)
}

// Unwrap returns what is wrong with the object.
func (e *rowError) Unwrap() error { return e.err }

// errNoID is an object without an id.
var errNoID = errors.New("missing ID")

// idOf returns the id of an object: _id, else id.
func idOf(mongo, plain text) (string, error) {
	if id := either(mongo, plain); id != "" {
		return string(id), nil
	}
	return "", errNoID
}

// either returns the first text that is not empty.
func either(a, b text) text {
	if a != "" {
		return a
	}
	return b
}

// readPage reads one window of a list. W is a row as sent; model makes the item of
// it and reports false for a row that leads nowhere.
func readPage[W, T any](ctx context.Context, c *Client, call call, model func(*W) (T, bool, error)) (paging.Page[T], error) {
	var page paging.Page[T]
	err := c.read(ctx, call, func(header http.Header, dec *json.Decoder) error {
		page = paging.Page[T]{Total: int(parseCount(header.Get("X-Total-Count")))}
		return decodeList(dec, &page, call.route.List, model)
	})
	if err != nil {
		return paging.Page[T]{}, err
	}
	return page, nil
}

// readObject reads one object.
func readObject[W, T any](ctx context.Context, c *Client, route Route, id string, model func(*W) (T, bool, error)) (*T, error) {
	var object T
	err := c.read(ctx, call{route: route, id: id}, func(_ http.Header, dec *json.Decoder) error {
		var row *W
		if err := dec.Decode(&row); err != nil {
			return err
		}
		if row == nil {
			return errNull
		}
		var err error
		if object, _, err = model(row); err != nil {
			return &rowError{list: route.List, err: err}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &object, nil
}

// decodeList reads a list row by row: a bare array (API v2), or an object with
// results and totalCount (API v1, and some of v2).
func decodeList[W, T any](dec *json.Decoder, page *paging.Page[T], list string, model func(*W) (T, bool, error)) error {
	start, err := dec.Token()
	if err != nil {
		return err
	}
	switch {
	case start == json.Delim('['):
		return decodeRows(dec, page, list, model)
	case start == nil && page.Total == 0:
		return nil // Some servers write an empty list so.
	case start != json.Delim('{'):
		return errShape
	}
	found := false
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return err
		}
		switch name, _ := key.(string); {
		case strings.EqualFold(name, "results"):
			found = true
			rows, err := dec.Token()
			switch {
			case err != nil:
				return err
			case rows == json.Delim('['):
				if err := decodeRows(dec, page, list, model); err != nil {
					return err
				}
			case rows != nil:
				return errShape
			}
		case strings.EqualFold(name, "totalCount"):
			var total count
			if err := dec.Decode(&total); err != nil {
				return err
			}
			page.Total = int(total)
		default:
			var skipped json.RawMessage
			if err := dec.Decode(&skipped); err != nil {
				return err
			}
		}
	}
	if _, err := dec.Token(); err != nil {
		return err
	}
	if !found {
		return errShape
	}
	return nil
}

// decodeRows reads the rows of an array whose bracket has been read, and the
// bracket that closes it.
func decodeRows[W, T any](dec *json.Decoder, page *paging.Page[T], list string, model func(*W) (T, bool, error)) error {
	for dec.More() {
		var row *W
		if err := dec.Decode(&row); err != nil {
			return err
		}
		if row == nil {
			page.Raw++
			page.Nulls++
			continue
		}
		item, ok, err := model(row)
		if err != nil {
			return &rowError{list: list, row: page.Raw, err: err}
		}
		page.Raw++
		if ok {
			page.Items = append(page.Items, item)
		}
	}
	_, err := dec.Token()
	return err
}
