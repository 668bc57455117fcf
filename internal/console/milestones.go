package console

import (
	"log/slog"
	"sync"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// milestoneInterval is how often an unfinished kind of list is logged at most.
const milestoneInterval = 10 * time.Second

// Milestones log the progress of a sync where nobody watches a terminal: when a
// phase begins, when the lists of a kind are complete, and every ten seconds how
// far they are. Its methods are safe for concurrent use.
type Milestones struct {
	logger *slog.Logger

	mu     sync.Mutex
	phase  syncer.Phase
	last   syncer.Progress
	logged map[string]milestone // by kind
}

// milestone is what was logged of a kind last.
type milestone struct {
	at   time.Time
	seen syncer.KindProgress
}

// NewMilestones logs to a logger.
func NewMilestones(logger *slog.Logger) *Milestones {
	return &Milestones{logger: logger, logged: make(map[string]milestone)}
}

// Update logs what has become worth it.
func (m *Milestones) Update(p syncer.Progress) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if p.Phase != m.phase {
		m.finishReading()
		m.begin(p)
	}
	m.phase, m.last = p.Phase, p
	for _, k := range p.Kinds {
		before, known := m.logged[k.Kind]
		switch {
		case k == before.seen:
		case known && time.Since(before.at) < milestoneInterval:
		case !known && k.Complete < k.Lists:
			m.logged[k.Kind] = milestone{at: time.Now(), seen: before.seen}
		default:
			m.log(k)
		}
	}
}

// Close logs what Update held back.
func (m *Milestones) Close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.finishReading()
}

// begin logs the beginning of a phase.
func (m *Milestones) begin(p syncer.Progress) {
	switch p.Phase {
	case syncer.PhaseReading:
		m.logger.Info("Syncing resources, entitlements and grants...")
	case syncer.PhaseLookup:
		m.logger.Info("Looking up principals that no list contains...", "count", p.Total)
	case syncer.PhaseWriting:
		m.logger.Info("Expanding grants...")
	case syncer.PhaseNew, syncer.PhaseJoining:
	}
}

// finishReading logs the last word on every kind.
func (m *Milestones) finishReading() {
	for _, k := range m.last.Kinds {
		if k.PagesDone > 0 && k != m.logged[k.Kind].seen {
			m.log(k)
		}
	}
	m.last.Kinds = nil
}

func (m *Milestones) log(k syncer.KindProgress) {
	m.logged[k.Kind] = milestone{at: time.Now(), seen: k}
	m.logger.Info("Synced list", "list", k.Name(), "count", k.Rows, "total", k.Total, "lists_complete", k.Complete, "lists", k.Lists, "pages", k.PagesDone)
}
