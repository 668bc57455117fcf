package config

// CommandLambda is the command that has the options of [SectionHosted] as flags.
const CommandLambda = "lambda"

// The names of a hosted connector's options.
const (
	nameLambdaClientID  = "lambda-client-id"
	nameLambdaSecret    = "lambda-client-secret"
	nameLambdaSigner    = "lambda-auth-jwt-signer"
	nameLambdaJWKSURL   = "lambda-auth-jwt-jwks-url"
	nameLambdaIssuer    = "lambda-auth-jwt-expected-issuer"
	nameLambdaSubject   = "lambda-auth-jwt-expected-subject"
	nameLambdaAudience  = "lambda-auth-jwt-expected-audience"
	nameLambdaTokenHost = "lambda-token-host" //nolint:gosec // It is a name.
	nameLambdaHost      = "lambda-configuration-host"
	nameLambdaCACerts   = "lambda-ca-cert-path"
)

// hostedOptions are those of a connector that a platform hosts as a function.
func hostedOptions() []Option {
	options := []Option{
		{Name: nameLambdaClientID, Help: "Client ID of the hosted connector"},
		{Name: nameLambdaSecret, Secret: true, Help: "Client secret of the hosted connector"},
		{Name: nameLambdaSigner, Help: "Public JSON Web Key that signs the tokens of calls (instead of a key set)"},
		{Name: nameLambdaJWKSURL, Help: "URL of the JSON Web Key Set that signs the tokens of calls"},
		{Name: nameLambdaIssuer, Help: "Issuer (iss) of the tokens of calls"},
		{Name: nameLambdaSubject, Help: "Subject (sub) of the tokens of calls"},
		{Name: nameLambdaAudience, Help: "Audience (aud) of the tokens of calls"},
		{Name: nameLambdaTokenHost, EnvOnly: true, Help: "Host (HOST or HOST:PORT) that access tokens are requested from, instead of the one in the client ID"},
		{Name: nameLambdaHost, EnvOnly: true, Help: "Host (HOST or HOST:PORT) that the configuration is fetched from (default: the token host)"},
		{Name: nameLambdaCACerts, EnvOnly: true, Help: "CA certificates (PEM file) to trust for ConductorOne in addition to the system's"},
	}
	for i := range options {
		options[i].Section, options[i].Command = SectionHosted, CommandLambda
		if !options[i].EnvOnly {
			options[i].Reach = ReachMode
		}
	}
	return options
}

// servable reports whether a platform may set an option in the configuration that it
// serves: what its form shows, and what else concerns the connector and not the process.
func (o Option) servable() bool {
	switch o.Name {
	case nameAuthMethod, nameLogLevel, nameDebugUntil, nameSyncTypes:
		return true
	default:
		return o.Export == ExportGUI
	}
}
