package jcsim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// period is a time.Duration that JSON has as text, like "20ms".
type period time.Duration

// MarshalText implements [encoding.TextMarshaler].
func (p period) MarshalText() ([]byte, error) { return []byte(time.Duration(p).String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (p *period) UnmarshalText(b []byte) error {
	d, err := time.ParseDuration(string(b))
	if err != nil {
		return fmt.Errorf(`time %q is not of the form "20ms", "3s" or "1m30s"`, b)
	}
	*p = period(d)
	return nil
}

// plainSettings and plainFault are the types without their JSON methods.
type (
	plainSettings Settings
	plainFault    Fault
)

// settingsJSON adds the times to the settings.
type settingsJSON struct {
	*plainSettings
	Latency       period `json:"latency,omitempty"`
	Jitter        period `json:"jitter,omitempty"`
	LagTime       period `json:"lagTime,omitempty"`
	InsightsDelay period `json:"insightsDelay,omitempty"`
}

func (s *Settings) shadow() settingsJSON {
	return settingsJSON{(*plainSettings)(s), period(s.Latency), period(s.Jitter), period(s.LagTime), period(s.InsightsDelay)}
}

// MarshalJSON implements [json.Marshaler]. Marshal a pointer: a copy would lack
// the times.
func (s *Settings) MarshalJSON() ([]byte, error) { return json.Marshal(s.shadow()) }

// UnmarshalJSON implements [json.Unmarshaler]. Settings that b does not name stay
// as they are; names that are not settings are refused.
func (s *Settings) UnmarshalJSON(b []byte) error {
	shadow := s.shadow()
	if err := unmarshalStrict(b, &shadow); err != nil {
		return err
	}
	s.Latency, s.Jitter, s.LagTime = time.Duration(shadow.Latency), time.Duration(shadow.Jitter), time.Duration(shadow.LagTime)
	s.InsightsDelay = time.Duration(shadow.InsightsDelay)
	return nil
}

// faultJSON adds the time to a fault.
type faultJSON struct {
	*plainFault
	Delay period `json:"delay,omitempty"`
}

// MarshalJSON implements [json.Marshaler].
func (f *Fault) MarshalJSON() ([]byte, error) {
	return json.Marshal(faultJSON{(*plainFault)(f), period(f.Delay)})
}

// UnmarshalJSON implements [json.Unmarshaler].
func (f *Fault) UnmarshalJSON(b []byte) error {
	*f = Fault{}
	shadow := faultJSON{plainFault: (*plainFault)(f)}
	if err := unmarshalStrict(b, &shadow); err != nil {
		return err
	}
	f.Delay = time.Duration(shadow.Delay)
	return nil
}

// unmarshalStrict decodes one JSON value and refuses names that v does not have.
func unmarshalStrict(b []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	return dec.Decode(v)
}
