// Draws the tables of figures as charts. The table stays: it is what a chart is made
// of, and what screen readers and keyboards use.
"use strict";

(() => {
  const drawn = [];

  // color is what a class of the style sheet resolves to in the present theme.
  function color(name) {
    const probe = document.createElement("span");
    probe.className = name;
    document.body.append(probe);
    const value = getComputedStyle(probe).color;
    probe.remove();
    return value;
  }

  // rowsOf reads label, value and target of each row of a table.
  function rowsOf(table) {
    return [...table.tBodies[0].rows].map((row) => ({
      label: row.dataset.label,
      value: Number(row.dataset.value),
      shown: row.cells[1].textContent,
      href: row.querySelector("a")?.href,
    }));
  }

  const short = (text) => (text.length > 26 ? text.slice(0, 25) + "\u2026" : text);

  // fit cuts a label to a width, and tells how wide it is then.
  function fit(pen, text, width) {
    const letters = [...text];
    const wide = () => pen.measureText(letters.join("")).width;
    while (letters.length > 4 && wide() > width) letters.splice(-2, 2, "\u2026");
    return { text: letters.join(""), wide: wide() };
  }

  // room gives the labels of bars what they need, up to half of the plot.
  function room(scale) {
    const pen = scale.ctx;
    pen.save();
    pen.font = "12px " + Chart.defaults.font.family;
    let most = 0;
    for (const tick of scale.ticks) {
      const label = fit(pen, scale.getLabelForValue(tick.value), scale.chart.width / 2);
      tick.label = label.text;
      most = Math.max(most, label.wide);
    }
    pen.restore();
    scale.width = Math.ceil(most) + 14;
  }

  function settings(kind, rows) {
    const text = color("c-text");
    const line = color("c-line");
    const round = kind === "doughnut";
    const colors = rows.map((_, i) => color("c" + ((i % 7) + 1)));
    return {
      type: round ? "doughnut" : "bar",
      data: {
        labels: rows.map((row) => short(row.label) + (round ? "  " + row.shown : "")),
        datasets: [{
          data: rows.map((row) => row.value),
          backgroundColor: round ? colors : color("c1"),
          borderColor: round ? color("c-surface") : undefined,
          borderWidth: round ? 2 : 0,
          borderRadius: round ? 0 : 3,
          maxBarThickness: 22,
        }],
      },
      options: {
        indexAxis: round ? undefined : "y",
        cutout: round ? "62%" : undefined,
        responsive: true,
        maintainAspectRatio: false,
        animation: matchMedia("(prefers-reduced-motion: reduce)").matches ? false : { duration: 250 },
        color: text,
        scales: round ? {} : {
          x: { beginAtZero: true, grid: { color: line }, ticks: { color: text, precision: 0, maxTicksLimit: 6 } },
          y: { grid: { display: false }, ticks: { color: text, autoSkip: false }, afterFit: room },
        },
        plugins: {
          legend: { display: round, position: "bottom", labels: { color: text, boxWidth: 12 } },
          tooltip: { callbacks: { title: (items) => rows[items[0].dataIndex].label.slice(0, 120) } },
        },
        onClick: (_, hits) => {
          const href = hits.length > 0 && rows[hits[0].index].href;
          if (href) location.href = href;
        },
        onHover: (event, hits) => {
          event.native.target.style.cursor = hits.length > 0 && rows[hits[0].index].href ? "pointer" : "";
        },
      },
    };
  }

  function draw() {
    drawn.splice(0).forEach((chart) => chart.destroy());
    for (const figure of document.querySelectorAll("figure.chart")) {
      const table = figure.querySelector("table");
      const plot = figure.querySelector(".plot");
      const rows = table ? rowsOf(table) : [];
      if (rows.length === 0) continue;
      plot.hidden = false;
      plot.style.setProperty("--bars", rows.length);
      drawn.push(new Chart(plot.querySelector("canvas"), settings(figure.dataset.kind, rows)));
    }
  }

  for (const details of document.querySelectorAll("figure.chart details")) details.open = false;
  draw();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
})();
