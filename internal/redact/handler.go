package redact

import (
	"context"
	"log/slog"
)

// Handler makes a handler that takes credentials out of all that another one is given:
// messages, texts and errors, whoever wrote them.
func Handler(next slog.Handler) slog.Handler { return redacting{next} }

type redacting struct{ next slog.Handler }

// Enabled implements [slog.Handler].
func (h redacting) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

// Handle implements [slog.Handler].
func (h redacting) Handle(ctx context.Context, r slog.Record) error {
	clean := slog.NewRecord(r.Time, r.Level, Text(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		clean.AddAttrs(cleanAttr(a))
		return true
	})
	return h.next.Handle(ctx, clean)
}

// WithAttrs implements [slog.Handler].
func (h redacting) WithAttrs(attrs []slog.Attr) slog.Handler {
	return redacting{h.next.WithAttrs(cleanAll(attrs))}
}

// WithGroup implements [slog.Handler].
func (h redacting) WithGroup(name string) slog.Handler { return redacting{h.next.WithGroup(name)} }

func cleanAll(attrs []slog.Attr) []slog.Attr {
	clean := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		clean[i] = cleanAttr(a)
	}
	return clean
}

func cleanAttr(a slog.Attr) slog.Attr {
	a.Value = a.Value.Resolve()
	switch a.Value.Kind() { //nolint:exhaustive // The others hold no text.
	case slog.KindString:
		a.Value = slog.StringValue(Text(a.Value.String()))
	case slog.KindGroup:
		a.Value = slog.GroupValue(cleanAll(a.Value.Group())...)
	case slog.KindAny:
		switch value := a.Value.Any().(type) {
		case error:
			a.Value = slog.StringValue(Text(value.Error()))
		case []string:
			clean := make([]string, len(value))
			for i, text := range value {
				clean[i] = Text(text)
			}
			a.Value = slog.AnyValue(clean)
		}
	}
	return a
}
