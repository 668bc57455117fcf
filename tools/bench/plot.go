package main

import (
	"bytes"
	"errors"
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// measure is a figure that is drawn: one row of panels.
type measure struct {
	label string
	of    func(Summary) (value, least, most float64)
}

// measures are the rows of panels, from the top.
func measures() []measure {
	plain := func(x float64) (float64, float64, float64) { return x, x, x }
	return []measure{
		{"seconds", func(s Summary) (float64, float64, float64) { return s.Wall, s.Least, s.Most }},
		{"CPU seconds", func(s Summary) (float64, float64, float64) { return plain(s.CPU) }},
		{"peak memory, MiB", func(s Summary) (float64, float64, float64) { return plain(float64(s.Peak) / (1 << 20)) }},
	}
}

// plot draws a panel for each axis and measure, as SVG.
func (r report) plot() ([]byte, error) {
	axes := []Axis{axisUsers, axisGroups, axisMemberships, axisExpanded, axisLatency, axisLimit}
	rows := measures()
	panels := make([][]*plot.Plot, len(rows))
	for y, m := range rows {
		panels[y] = make([]*plot.Plot, len(axes))
		for x, axis := range axes {
			p, err := r.panel(axis, m)
			if err != nil {
				return nil, err
			}
			if x > 0 {
				p.Y.Label.Text = ""
			}
			if y < len(rows)-1 {
				p.X.Label.Text = ""
			}
			panels[y][x] = p
		}
	}
	canvas := vgsvg.New(17*vg.Inch, 7.5*vg.Inch)
	dc := draw.New(canvas)
	// Pages may be dark, and the ink is not.
	dc.SetColor(color.White)
	dc.Fill(dc.Rectangle.Path())
	tiles := draw.Tiles{
		Rows: len(rows), Cols: len(axes), PadX: vg.Points(10), PadY: vg.Points(8),
		PadTop: vg.Points(8), PadBottom: vg.Points(8), PadLeft: vg.Points(8), PadRight: vg.Points(12),
	}
	for y, line := range plot.Align(panels, tiles, dc) {
		for x, c := range line {
			panels[y][x].Draw(c)
		}
	}
	var out bytes.Buffer
	if _, err := canvas.WriteTo(&out); err != nil {
		return nil, err
	}
	return append(bytes.TrimRight(out.Bytes(), "\n"), '\n'), nil
}

// panel draws one measure along one axis. It begins at nothing, so that heights can
// be compared.
func (r report) panel(axis Axis, m measure) (*plot.Plot, error) {
	p := plot.New()
	p.X.Label.Text, p.Y.Label.Text, p.Y.Min = string(axis), m.label, 0
	p.Add(plotter.NewGrid())
	if axis == axisLimit {
		return p, r.limits(p, m)
	}
	var at points
	for _, s := range r.along(axis) {
		at.add(s.X, s, m)
	}
	switch axis {
	case axisLatency:
		p.X.Label.Text = "latency, ms"
	default:
		p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, decades{}
		p.X.Min, p.X.Max = 1, 10
	}
	return p, at.draw(p)
}

// limits draws one measure without a limit, and with those of the server.
func (r report) limits(p *plot.Plot, m measure) error {
	p.X.Label.Text = "server limit, requests/s"
	ticks := []plot.Tick{{Value: 0, Label: "none"}, {Value: 1, Label: "50"}, {Value: 2, Label: "50 told"}, {Value: 3, Label: "10"}, {Value: 4, Label: "10 told"}}
	p.X.Tick.Marker, p.X.Min, p.X.Max = plot.ConstantTicks(ticks), -0.5, 4.5
	var at points
	for _, s := range r.along(axisLimit) {
		place := 0.0
		switch {
		case s.Rate == 50:
			place = 1
		case s.Rate == 10:
			place = 3
		}
		if s.RetryAfter {
			place++
		}
		at.add(place, s, m)
	}
	if len(at.XYs) == 0 {
		return nil
	}
	dots, err := plotter.NewScatter(at)
	if err != nil {
		return err
	}
	dots.GlyphStyle = draw.GlyphStyle{Color: ink(), Radius: vg.Points(3), Shape: draw.CircleGlyph{}}
	p.Add(dots)
	p.Y.Min = 0
	return nil
}

// points are figures with how far they vary.
type points struct {
	plotter.XYs
	plotter.YErrors
}

func (l *points) add(x float64, s Summary, m measure) {
	value, least, most := m.of(s)
	l.XYs = append(l.XYs, plotter.XY{X: x, Y: value})
	l.YErrors = append(l.YErrors, struct{ Low, High float64 }{value - least, most - value})
}

// draw adds a line with a dot for each figure and a bar for its variation.
func (l points) draw(p *plot.Plot) error {
	if len(l.XYs) == 0 {
		return nil
	}
	line, dots, err := plotter.NewLinePoints(l)
	bars, barsErr := plotter.NewYErrorBars(l)
	if err := errors.Join(err, barsErr); err != nil {
		return err
	}
	line.Color, line.Width = ink(), vg.Points(1.2)
	dots.GlyphStyle = draw.GlyphStyle{Color: ink(), Radius: vg.Points(2.5), Shape: draw.CircleGlyph{}}
	bars.Color = ink()
	p.Add(line, dots, bars)
	p.X.Min, p.X.Max, p.Y.Min = l.XYs[0].X, l.XYs[len(l.XYs)-1].X, 0
	return nil
}

func ink() color.Color { return color.RGBA{R: 0x1f, G: 0x5f, B: 0xa8, A: 0xff} }

// decades marks powers of ten as people say them.
type decades struct{}

// Ticks implements [plot.Ticker].
func (decades) Ticks(least, most float64) []plot.Tick {
	var ticks []plot.Tick
	for x := 1.0; x <= most*1.001; x *= 10 {
		for _, k := range []float64{1, 2, 5} {
			if v := x * k; v >= least*0.999 && v <= most*1.001 {
				t := plot.Tick{Value: v}
				if k == 1 || most/least < 60 {
					t.Label = compact(v)
				}
				ticks = append(ticks, t)
			}
		}
	}
	return ticks
}
