package service

import (
	"net/http"
	"runtime"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-jumpcloud/internal/agent"
	"github.com/conductorone/baton-jumpcloud/internal/console"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/version"
)

// metrics are the service's numbers for Prometheus. docs/RUNNING.md says what each
// means. It is safe for concurrent use.
type metrics struct {
	registry *prometheus.Registry

	tasks        *prometheus.CounterVec
	taskDuration *prometheus.HistogramVec
	pending      prometheus.Gauge
	lastSuccess  *prometheus.GaugeVec

	syncDuration prometheus.Histogram
	resources    *prometheus.GaugeVec
	grants       *prometheus.GaugeVec
	dropped      *prometheus.GaugeVec

	requests        *prometheus.CounterVec
	requestDuration *prometheus.HistogramVec
	retries         prometheus.Counter
	limited         prometheus.Counter
	waited          prometheus.Counter
}

var _ agent.Metrics = (*metrics)(nil)

// newMetrics makes numbers that are all zero.
func newMetrics() *metrics {
	const space = "baton_jumpcloud"
	counter := func(name, help string) prometheus.CounterOpts {
		return prometheus.CounterOpts{Namespace: space, Name: name, Help: help}
	}
	gauge := func(name, help string) prometheus.GaugeOpts {
		return prometheus.GaugeOpts{Namespace: space, Name: name, Help: help}
	}
	histogram := func(name, help string, buckets []float64) prometheus.HistogramOpts {
		return prometheus.HistogramOpts{Namespace: space, Name: name, Help: help, Buckets: buckets}
	}
	long := prometheus.ExponentialBuckets(0.25, 2, 16) // up to about two hours
	m := &metrics{
		registry: prometheus.NewRegistry(),

		tasks:        prometheus.NewCounterVec(counter("tasks_total", "ConductorOne tasks finished, by type and gRPC code of the result."), []string{"type", "code"}),
		taskDuration: prometheus.NewHistogramVec(histogram("task_duration_seconds", "Duration of tasks, including uploads.", long), []string{"type"}),
		pending:      prometheus.NewGauge(gauge("results_owed", "Task results not yet delivered to ConductorOne.")),
		lastSuccess:  prometheus.NewGaugeVec(gauge("last_success_timestamp_seconds", "Time of the last success, by task type."), []string{"type"}),

		syncDuration: prometheus.NewHistogram(histogram("sync_duration_seconds", "Duration of syncs, from the first request to the finished archive.", long)),
		resources:    prometheus.NewGaugeVec(gauge("resources", "Resources in the newest archive, by resource type."), []string{"type"}),
		grants:       prometheus.NewGaugeVec(gauge("grants", "Grants in the newest archive, by resource type of the entitlement."), []string{"type"}),
		dropped:      prometheus.NewGaugeVec(gauge("grants_dropped", "Grants left out of the newest archive, by reason."), []string{"reason"}),

		requests:        prometheus.NewCounterVec(counter("requests_total", "JumpCloud API requests (every attempt), by method, route and HTTP status (0: no response)."), []string{"method", "route", "status"}),
		requestDuration: prometheus.NewHistogramVec(histogram("request_duration_seconds", "Duration of JumpCloud API requests.", prometheus.ExponentialBuckets(0.01, 2, 14)), []string{"method", "route"}),
		retries:         prometheus.NewCounter(counter("request_retries_total", "Retried JumpCloud API requests.")),
		limited:         prometheus.NewCounter(counter("rate_limited_total", "JumpCloud API requests rejected by its rate limit (429).")),
		waited:          prometheus.NewCounter(counter("rate_limit_wait_seconds_total", "Total time requests waited for the rate limiter.")),
	}
	build := version.Read()
	info := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: space, Name: "build_info", Help: "Build information; always 1.",
		ConstLabels: prometheus.Labels{"version": build.Version, "commit": build.Commit, "goversion": runtime.Version()},
	}, func() float64 { return 1 })
	m.registry.MustRegister(
		m.tasks, m.taskDuration, m.pending, m.lastSuccess, m.syncDuration, m.resources, m.grants, m.dropped,
		m.requests, m.requestDuration, m.retries, m.limited, m.waited, info,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return m
}

// TaskDone implements [agent.Metrics].
func (m *metrics) TaskDone(kind string, code codes.Code, took time.Duration) {
	m.tasks.WithLabelValues(kind, code.String()).Inc()
	m.taskDuration.WithLabelValues(kind).Observe(took.Seconds())
	if code == codes.OK {
		m.lastSuccess.WithLabelValues(kind).SetToCurrentTime()
	}
}

// PendingResults implements [agent.Metrics].
func (m *metrics) PendingResults(n int) { m.pending.Set(float64(n)) }

// requested counts one attempt of a request.
func (m *metrics) requested(i jumpcloud.RequestInfo) {
	m.requests.WithLabelValues(i.Method, i.Route, strconv.Itoa(i.Status)).Inc()
	m.requestDuration.WithLabelValues(i.Method, i.Route).Observe(i.Duration.Seconds())
	m.waited.Add(i.Waited.Seconds())
	if i.Attempt > 1 {
		m.retries.Inc()
	}
	if i.Status == http.StatusTooManyRequests {
		m.limited.Inc()
	}
}

// synced takes in what came of a sync. Counts are those of whole organizations
// only: a sync of some resources says nothing about the rest.
func (m *metrics) synced(o console.Outcome) {
	m.syncDuration.Observe(o.Took.Seconds())
	if !o.Expanded {
		return
	}
	for gauge, counts := range map[*prometheus.GaugeVec]map[string]int64{m.resources: o.Resources, m.grants: o.Grants} {
		gauge.Reset()
		for name, n := range counts {
			gauge.WithLabelValues(name).Set(float64(n))
		}
	}
	m.dropped.Reset()
	for reason, n := range o.Dropped {
		m.dropped.WithLabelValues(string(reason)).Set(float64(n))
	}
}

// handler serves the numbers.
func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}
