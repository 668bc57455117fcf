package platform_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/sim/conductorone/platform"
)

// request asks the runtime something, as the function or as whoever invokes it.
func request(t *testing.T, method, address, contentType string, body []byte) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+address, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	resp, err := new(http.Client).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

const invocation = "/2018-06-01/runtime/invocation/"

// answerOne is a function that answers one invocation with what the payload says.
func answerOne(t *testing.T, address string) {
	t.Helper()
	next := request(t, http.MethodGet, address+invocation+"next", "", nil)
	payload, err := io.ReadAll(next.Body)
	if err != nil {
		t.Error(err)
	}
	id := next.Header.Get("Lambda-Runtime-Aws-Request-Id")
	for _, name := range []string{"Lambda-Runtime-Deadline-Ms", "Lambda-Runtime-Trace-Id", "Lambda-Runtime-Invoked-Function-Arn"} {
		if next.Header.Get(name) == "" {
			t.Errorf("no header %s", name)
		}
	}
	want := http.StatusAccepted
	path, contentType, body := id+"/response", "application/json", payload
	switch string(payload) {
	case `"fail"`:
		path, body = id+"/error", []byte(`{"errorType":"T","errorMessage":"m"}`)
	case `"long"`:
		body, want = bytes.Repeat([]byte("x"), 6<<20+1), http.StatusRequestEntityTooLarge
	case `"text"`:
		contentType = "text/plain"
	case `"slow"`:
		return
	}
	if got := request(t, http.MethodPost, address+invocation+path, contentType, body).StatusCode; got != want {
		t.Errorf("%s: status %d, want %d", payload, got, want)
	}
	if got := request(t, http.MethodPost, address+invocation+path, contentType, body).StatusCode; got != http.StatusBadRequest {
		t.Errorf("%s: a second answer has status %d", payload, got)
	}
}

func TestRuntime(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ payload, answer, errorType, other string }{
		{`{"a":1}`, `{"a":1}`, "", ""},
		{`"fail"`, "", "T", ""},
		{`"long"`, "", "Function.ResponseSizeTooLarge", ""},
		{`"text"`, "", "", "content type"},
		{`"slow"`, "", "Sandbox.Timedout", ""},
	} {
		t.Run(tt.payload, func(t *testing.T) {
			t.Parallel()
			r := platform.NewRuntime()
			if tt.payload == `"slow"` {
				r.Timeout = 50 * time.Millisecond
			}
			address, err := r.Listen(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			done := make(chan struct{})
			go func() {
				defer close(done)
				answerOne(t, address)
			}()
			<-r.Started()
			got, err := r.Invoke(t.Context(), []byte(tt.payload))
			<-done
			var failed *platform.FunctionError
			switch errors.As(err, &failed); {
			case string(got) != tt.answer:
				t.Errorf("answer %.40s, want %s", got, tt.answer)
			case tt.errorType != "" && (failed == nil || failed.Type != tt.errorType):
				t.Errorf("error %v, want %s", err, tt.errorType)
			case tt.other != "" && (err == nil || !strings.Contains(err.Error(), tt.other)):
				t.Errorf("error %v, want %s", err, tt.other)
			}
		})
	}
}

// The Invoke API tells an error of the function by a header.
func TestInvokeAPI(t *testing.T) {
	t.Parallel()
	for payload, wantError := range map[string]string{`{"a":1}`: "", `"fail"`: "Unhandled"} {
		r := platform.NewRuntime()
		address, err := r.Listen(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			answerOne(t, address)
		}()
		resp := request(t, http.MethodPost, address+"/2015-03-31/functions/function/invocations", "application/json", []byte(payload))
		<-done
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != http.StatusOK || resp.Header.Get("X-Amz-Function-Error") != wantError || wantError == "" && string(body) != payload {
			t.Errorf("%s: %d, error %q, %s", payload, resp.StatusCode, resp.Header.Get("X-Amz-Function-Error"), body)
		}
	}
}

func TestInvocationThatIsTooLong(t *testing.T) {
	t.Parallel()
	if _, err := platform.NewRuntime().Invoke(context.Background(), make([]byte, 6<<20+1)); err == nil {
		t.Error("no error")
	}
}
