package hosted

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"log/slog"

	"github.com/aws/aws-lambda-go/lambda"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/grpclog"

	"github.com/conductorone/baton-jumpcloud/internal/fault"
)

// envRuntime names the runtime that hands over invocations.
const envRuntime = "AWS_LAMBDA_RUNTIME_API"

// Fields are what every line of the log says of the deployment, from the variables that
// the platform sets.
func Fields(lookup func(string) (string, bool)) []any {
	var fields []any
	for _, f := range []struct{ key, variable string }{
		{"tenant_id", "tenant"},
		{"connector_id", "connector"},
		{"app_id", "app"},
		{"release_version", "version"},
		{"installation", "installation"},
		{"catalog_id", "catalog_id"},
		{"catalog_name", "catalog_name"},
		{"tenant_name", "tenant_name"},
		{"tenant_is_internal", "tenant_is_internal"},
	} {
		value, _ := lookup(f.variable)
		fields = append(fields, f.key, value)
	}
	return fields
}

// Run answers invocations until the context ends, which is no error. It takes over what
// libraries log for the whole process.
func Run(ctx context.Context, o Options) error {
	captureLogs(o.Logger)
	f, err := NewFunction(ctx, o)
	if err != nil {
		return err
	}
	if api, _ := o.Lookup(envRuntime); api == "" {
		// Exit code 1, as every function of AWS's library ends then.
		err := fault.WithCode(codes.Canceled, "expected AWS Lambda environment variables [%s] are not defined", envRuntime)
		return fault.WithHints(errors.Join(err, f.Close(ctx)), "this command is started by AWS Lambda, or by an emulator of its runtime")
	}
	go func() {
		// It never returns: it ends the process when the runtime is gone, and with the
		// process when the context ends.
		lambda.StartWithOptions(f.handle, lambda.WithContext(ctx))
	}()
	<-ctx.Done()
	o.Logger.InfoContext(ctx, "stopping", "cause", context.Cause(ctx))
	return f.Close(ctx)
}

// answer is an answer that is JSON already.
type answer struct{ r io.Reader }

// Read implements [io.Reader].
func (a answer) Read(p []byte) (int, error) { return a.r.Read(p) }

// ContentType is what the runtime is told of it.
func (answer) ContentType() string { return "application/json" }

// handle is [Function.Invoke] as the library calls it.
func (f *Function) handle(ctx context.Context, payload json.RawMessage) (answer, error) {
	encoded, err := f.Invoke(ctx, payload)
	if err != nil {
		return answer{}, err
	}
	return answer{bytes.NewReader(encoded)}, nil
}

// captureLogs makes lines of the log of what libraries would print as plain text, which
// the platform shows to people as an error.
func captureLogs(logger *slog.Logger) {
	lines := slog.NewLogLogger(logger.Handler(), slog.LevelError)
	log.SetFlags(0)
	log.SetOutput(lines.Writer())
	grpclog.SetLoggerV2(grpclog.NewLoggerV2(io.Discard, io.Discard, lines.Writer()))
}
