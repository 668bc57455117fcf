package config_test

import (
	"strings"
	"testing"

	"github.com/conductorone/baton-jumpcloud/internal/config"
)

func TestMaxDrop(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text string
		want config.MaxDrop
		bad  bool
	}{
		{text: "", want: config.MaxDrop{Percent: 50, AtLeast: 20}}, // the default
		{text: "off"},
		{text: "OFF"},
		{text: "30%", want: config.MaxDrop{Percent: 30, AtLeast: 20}},
		{text: "30", want: config.MaxDrop{Percent: 30, AtLeast: 20}},
		{text: " 100%/1 ", want: config.MaxDrop{Percent: 100, AtLeast: 1}},
		{text: "1/500", want: config.MaxDrop{Percent: 1, AtLeast: 500}},
		{text: "0%", bad: true},
		{text: "101%", bad: true},
		{text: "50%%", bad: true},
		{text: "50%/0", bad: true},
		{text: "50%/", bad: true},
		{text: "50%/-1", bad: true},
		{text: "50%/20/3", bad: true},
		{text: "half", bad: true},
		{text: "%", bad: true},
	} {
		t.Run(tt.text, func(t *testing.T) {
			t.Parallel()
			c, err := world{env: map[string]string{"BATON_API_KEY": "k", "BATON_MAX_DROP": tt.text, "BATON_ALLOW_DROP": " ABCD2345 "}}.load(t, config.ForRun)
			if tt.bad {
				if err == nil || !strings.Contains(err.Error(), "field max-drop: value must be off, PERCENT%") {
					t.Errorf("err = %v, want one that says what it must be", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if c.Sync.MaxDrop != tt.want || c.Sync.AllowDrop != "abcd2345" {
				t.Errorf("got %+v and %q, want %+v", c.Sync.MaxDrop, c.Sync.AllowDrop, tt.want)
			}
		})
	}
}
