package network

import (
	"bytes"
	"net/url"
	"testing"

	"github.com/conductorone/baton-jumpcloud/internal/config"
)

func TestEndpoints(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, region, base        string
		wantBase, wantToken, warn string
	}{
		{"us", "us", "", "https://console.jumpcloud.com", "https://admin-oauth.id.jumpcloud.com/oauth2/token", ""},
		{"eu", "eu", "", "https://console.eu.jumpcloud.com", "https://admin-oauth.id.eu.jumpcloud.com/oauth2/token", ""},
		{"in", "in", "", "https://console.in.jumpcloud.com", "https://admin-oauth.id.in.jumpcloud.com/oauth2/token", ""},
		{"base URL of a region", "us", "https://console.eu.jumpcloud.com", "https://console.eu.jumpcloud.com", "https://admin-oauth.id.eu.jumpcloud.com/oauth2/token", ""},
		{"base URL of anything else", "us", "http://127.0.0.1:1/jc", "http://127.0.0.1:1/jc", "http://127.0.0.1:1/jc/oauth2/token", "warning: the credential goes to 127.0.0.1:1, which is not a JumpCloud region\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			settings := config.JumpCloud{Region: tt.region}
			if tt.base != "" {
				u, err := url.Parse(tt.base)
				if err != nil {
					t.Fatal(err)
				}
				settings.BaseURL = u
			}
			base, token, err := Endpoints(settings)
			if err != nil {
				t.Fatal(err)
			}
			if base.String() != tt.wantBase || token.String() != tt.wantToken {
				t.Errorf("Endpoints = %s and %s, want %s and %s", base, token, tt.wantBase, tt.wantToken)
			}
			var stderr bytes.Buffer
			if err := AnnounceHost(&stderr, settings); err != nil {
				t.Fatal(err)
			}
			if stderr.String() != tt.warn {
				t.Errorf("AnnounceHost wrote %q, want %q", stderr.String(), tt.warn)
			}
		})
	}
}
