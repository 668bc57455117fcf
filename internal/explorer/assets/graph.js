// Draws who has what through what, from the JSON that stands in the page. Nodes are
// links, and a node that stands for further ones brings them when it is followed. The
// list below the drawing says the same.
"use strict";

(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const width = 172; // Three columns of them fit beside what is known about a person.
  const height = 44;
  const sign = 30; // what the plus takes of it

  function make(name, attributes, ...children) {
    const element = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
  }

  const pen = document.createElement("canvas").getContext("2d");
  pen.font = "13px " + getComputedStyle(document.body).fontFamily;

  // shorten cuts a name to what a node has room for.
  function shorten(text, room) {
    const letters = [...text.replace(/\s+/gu, " ").slice(0, 200)];
    if (pen.measureText(letters.join("")).width <= room) return letters.join("");
    while (letters.length > 1 && pen.measureText(letters.join("") + "\u2026").width > room) letters.pop();
    return letters.join("") + "\u2026";
  }

  // arrange gives every node and edge its place.
  function arrange(data) {
    const g = new dagre.graphlib.Graph();
    g.setGraph({ rankdir: "LR", nodesep: 12, ranksep: 46, marginx: 14, marginy: 14 });
    g.setDefaultEdgeLabel(() => ({}));
    for (const node of data.nodes) g.setNode(node.id, { ...node, width, height });
    for (const edge of data.edges) {
      if (g.hasNode(edge.from) && g.hasNode(edge.to)) g.setEdge(edge.from, edge.to, { ...edge });
    }
    dagre.layout(g);
    return g;
  }

  function drawNode(node) {
    const label = make("text", { x: 12, y: 19, direction: "auto" });
    label.textContent = shorten(node.label, width - 24 - (node.more && !node.rest ? sign : 0));
    const kind = make("text", { x: 12, y: 35, class: "kind" });
    kind.textContent = node.note;
    const title = make("title", {});
    title.textContent = node.label.slice(0, 300) + " (" + node.note + ")";
    const rect = make("rect", { width, height, rx: node.kind === "group" ? 4 : 12 });
    const link = make("a", { href: node.href }, title, rect, label, kind);
    if (node.more && !node.rest) link.setAttribute("aria-keyshortcuts", "+");
    const group = make("g", {
      class: "node " + node.kind,
      transform: `translate(${node.x - width / 2} ${node.y - height / 2})`,
      "data-node": node.id,
    }, link);
    if (node.more && node.rest) {
      link.dataset.more = node.more;
    } else if (node.more) {
      group.append(drawPlus(node));
    }
    return group;
  }

  // drawPlus makes the link that draws a node further. With the keyboard, + does that on the
  // node itself, so that each node is one stop.
  function drawPlus(node) {
    const text = "Draw who has " + node.label.slice(0, 300) + " and what it leads to";
    const title = make("title", {});
    title.textContent = text;
    const plus = make("a", { class: "plus", href: node.href, tabindex: -1, "aria-label": text }, title,
      make("circle", { cx: width - 16, cy: height / 2, r: 12 }),
      make("path", { d: `M${width - 21} ${height / 2}h10m-5 -5v10` }));
    plus.dataset.more = node.more;
    return plus;
  }

  function drawEdge(g, e) {
    return make("path", {
      class: g.edge(e).own ? "edge" : "edge flows", d: curve(g, e),
      "marker-end": "url(#arrow)", "data-from": e.v, "data-to": e.w,
    });
  }

  // curve leads from the right side of one node to the left side of the other, by the
  // places between which the layout has kept free.
  function curve(g, e) {
    const from = g.node(e.v);
    const to = g.node(e.w);
    const back = to.x <= from.x ? -1 : 1; // Where things go in a circle, one edge goes back.
    const points = [
      { x: from.x + (back * width) / 2, y: from.y },
      ...g.edge(e).points.slice(1, -1),
      { x: to.x - (back * width) / 2, y: to.y },
    ];
    let d = `M${points[0].x} ${points[0].y}`;
    for (let i = 1; i < points.length; i++) {
      const [a, b] = [points[i - 1], points[i]];
      const middle = (a.x + b.x) / 2;
      d += `C${middle} ${a.y} ${middle} ${b.y} ${b.x} ${b.y}`;
    }
    return d;
  }

  // center scrolls to the node that a graph is of.
  function center(place, data) {
    const node = place.querySelector(`[data-node="${CSS.escape(data.nodes[0].id)}"]`);
    const [box, frame] = [node.getBoundingClientRect(), place.getBoundingClientRect()];
    place.scrollTop += box.top + box.height / 2 - frame.top - frame.height / 2;
    place.scrollLeft += Math.min(0, box.left - frame.left - 14);
    if (box.right > frame.right) place.scrollLeft += box.left + box.width / 2 - frame.left - frame.width / 2;
  }

  // light shows the ways that lead to and from a node.
  function light(svg, id) {
    const edges = [...svg.querySelectorAll(".edge")];
    const lit = new Set();
    const follow = (from, near, far) => {
      for (const edge of edges) {
        if (edge.dataset[near] === from && !lit.has(edge)) {
          lit.add(edge);
          follow(edge.dataset[far], near, far);
        }
      }
    };
    if (id !== undefined) {
      follow(id, "to", "from");
      follow(id, "from", "to");
    }
    for (const edge of edges) edge.classList.toggle("lit", lit.has(edge));
  }

  function draw(place, data) {
    const g = arrange(data);
    const size = g.graph();
    const svg = make("svg", {
      width: size.width || width, height: size.height || height, viewBox: `0 0 ${size.width || width} ${size.height || height}`,
      role: "group", "aria-label": place.dataset.label,
    }, make("defs", {}, make("marker", {
      id: "arrow", viewBox: "0 0 8 8", refX: 8, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto",
    }, make("path", { d: "M0 0 8 4 0 8z" }))));
    for (const e of g.edges()) svg.append(drawEdge(g, e));
    for (const id of g.nodes()) svg.append(drawNode(g.node(id)));
    for (const node of svg.querySelectorAll(".node")) {
      const id = node.dataset.node;
      for (const [event, target] of [["pointerenter", id], ["focusin", id], ["pointerleave"], ["focusout"]]) {
        node.addEventListener(event, () => light(svg, target));
      }
    }
    place.replaceChildren(svg);
    place.hidden = false;
    scale(place, Number(place.dataset.scale ?? 1));
    return svg;
  }

  // scale draws the graph larger or smaller, around what is in the middle.
  function scale(place, factor) {
    const svg = place.querySelector("svg");
    const box = svg.viewBox.baseVal;
    const before = Number(place.dataset.scale ?? 1);
    factor = Math.min(4, Math.max(0.1, factor));
    const [x, y] = [place.scrollLeft + place.clientWidth / 2, place.scrollTop + place.clientHeight / 2];
    place.dataset.scale = factor;
    svg.setAttribute("width", box.width * factor);
    svg.setAttribute("height", box.height * factor);
    if (before !== factor) place.scrollTo(x * factor / before - place.clientWidth / 2, y * factor / before - place.clientHeight / 2);
  }

  // fit shows all of the graph, and no larger than it was drawn.
  function fit(place) {
    const box = place.querySelector("svg").viewBox.baseVal;
    scale(place, Math.min(1, (place.clientWidth - 2) / box.width, (place.clientHeight - 2) / box.height));
  }

  // control lets buttons, the wheel with Ctrl, and a pointer that drags move and size a graph.
  function control(place) {
    const card = place.closest(".graph");
    const buttons = card.querySelector(".zoom");
    const step = 1.25;
    const now = () => Number(place.dataset.scale);
    const acts = {
      in: () => scale(place, now() * step), out: () => scale(place, now() / step), fit: () => fit(place),
      full: () => (document.fullscreenElement ? document.exitFullscreen() : card.requestFullscreen()),
    };
    buttons.hidden = false;
    if (!card.requestFullscreen) buttons.querySelector("[data-zoom=full]").remove();
    buttons.addEventListener("click", (event) => acts[event.target.dataset.zoom]?.());
    document.addEventListener("fullscreenchange", () => {
      const button = buttons.querySelector("[data-zoom=full]");
      if (button) button.textContent = document.fullscreenElement === card ? "Leave full screen" : "Full screen";
    });
    place.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return; // Without, it scrolls.
      event.preventDefault();
      scale(place, now() * (event.deltaY < 0 ? step : 1 / step));
    }, { passive: false });
    let from = null;
    let moved = false;
    place.addEventListener("pointerdown", (event) => {
      if (event.pointerType === "touch" || event.button !== 0) return; // Fingers scroll.
      [from, moved] = [{ x: event.clientX, y: event.clientY, left: place.scrollLeft, top: place.scrollTop }, false];
    });
    window.addEventListener("pointermove", (event) => {
      if (!from) return;
      const [x, y] = [event.clientX - from.x, event.clientY - from.y];
      moved ||= Math.hypot(x, y) > 4;
      if (moved) place.scrollTo(from.left - x, from.top - y);
    });
    window.addEventListener("pointerup", () => {
      from = null;
      setTimeout(() => { moved = false; }); // After the click, if one follows.
    });
    place.addEventListener("dragstart", (event) => event.preventDefault());
    place.addEventListener("click", (event) => { // One that ends a move follows no link.
      if (!moved) return;
      event.preventDefault();
      event.stopImmediatePropagation();
    }, { capture: true });
    place.addEventListener("keydown", (event) => {
      const plus = event.key === "+" && event.target.closest("[data-node]")?.querySelector("a.plus");
      if (plus) plus.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true }));
    });
  }

  async function expand(place, link) {
    const answer = await fetch(link.dataset.more, { headers: { Accept: "application/json" }, credentials: "same-origin" });
    if (!answer.ok) throw new Error(answer.statusText);
    const data = await answer.json();
    const known = new Set([...place.querySelectorAll("[data-node]")].map((node) => node.dataset.node));
    const svg = draw(place, data);
    const news = [...svg.querySelectorAll("[data-node]")].filter((node) => !known.has(node.dataset.node));
    const status = place.parentElement.querySelector("[role=status]");
    if (status) status.textContent = `${news.length} more are drawn.`;
    (news[0] ?? svg.querySelector("[data-node]"))?.querySelector("a").focus();
  }

  for (const place of document.querySelectorAll("[data-graph]")) {
    const data = JSON.parse(document.getElementById(place.dataset.graph).textContent);
    draw(place, data);
    center(place, data);
    control(place);
    place.addEventListener("click", (event) => {
      const link = event.target.closest("a[data-more]");
      if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      expand(place, link).catch(() => { location.href = link.getAttribute("href"); });
    });
  }
})();
