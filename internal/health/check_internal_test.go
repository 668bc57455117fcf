package health

import "testing"

func TestReachable(t *testing.T) {
	t.Parallel()
	for bind, want := range map[string]string{
		"": "127.0.0.1", "127.0.0.1": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1", "[::]": "::1", "::1": "::1", "10.0.0.7": "10.0.0.7", "pod.local": "pod.local",
	} {
		if got := reachable(bind); got != want {
			t.Errorf("reachable(%q) = %q, want %q", bind, got, want)
		}
	}
}
