// Deciding a review by keyboard, without another page for each decision. The form works
// without this.
"use strict";

(() => {
  const form = document.getElementById("review");
  const by = document.getElementById("review-by");
  if (!form || !by) return; // The review is closed.
  const comment = document.getElementById("review-comment");
  const until = document.getElementById("review-until");
  const status = document.getElementById("review-status");
  const alertBox = document.getElementById("review-error");
  const filtered = document.getElementById("review-filtered");
  const rows = [...form.querySelectorAll("[data-item]")];
  const byItem = new Map(rows.map((row) => [row.dataset.item, row]));
  const undo = []; // what each decision replaced, the last one last
  let here = 0;
  let queue = Promise.resolve(); // Decisions are sent one after the other.

  const box = (row) => row.querySelector("input[type=checkbox]");
  const selected = () => rows.filter((row) => box(row).checked);

  function move(to, focus = true) {
    if (rows.length === 0) return;
    rows[here].tabIndex = -1;
    here = Math.max(0, Math.min(to, rows.length - 1));
    rows[here].tabIndex = 0;
    if (focus) {
      rows[here].focus();
      rows[here].scrollIntoView({ block: "nearest" });
    }
  }

  function nextUndecided() {
    for (let i = 1; i <= rows.length; i++) {
      const at = (here + i) % rows.length;
      if (!rows[at].dataset.decision) return move(at);
    }
    status.textContent = "Every item on this page is decided.";
  }

  function fail(text) {
    alertBox.textContent = text;
    alertBox.hidden = false;
  }

  function show(answer) {
    for (const done of answer.rows) {
      const row = byItem.get(String(done.item));
      if (!row) continue;
      row.dataset.decision = done.value;
      row.dataset.comment = done.comment;
      row.dataset.until = done.until;
      const badge = row.querySelector("[data-badge]");
      badge.textContent = done.decision;
      badge.className = "badge " + done.badge;
      row.querySelector("[data-note] bdi").textContent = done.note;
    }
    const c = answer.counts;
    document.getElementById("progress").value = c.items - c.undecided;
    document.getElementById("decided").textContent = (c.items - c.undecided).toLocaleString("en-US");
    for (const name of ["keep", "revoke", "exception"]) {
      document.getElementById("count-" + name).textContent = c[name].toLocaleString("en-US");
    }
  }

  // send makes one decision about items, and shows it when it is on the disk.
  async function send(items, decision, note, day, all) {
    const body = new URLSearchParams({ decide: decision || "undecided", comment: note, until: day, by: by.value, back: form.elements.back.value });
    for (const item of items) body.append("item", item);
    if (all) body.append("filtered", "1");
    let answer;
    try {
      const response = await fetch(form.getAttribute("action"), { method: "POST", body, headers: { Accept: "application/json" }, credentials: "same-origin" });
      answer = await response.json();
    } catch {
      answer = { error: "The decision was not saved: the program does not answer." };
    }
    if (answer.error) {
      fail(answer.error);
      return false;
    }
    alertBox.hidden = true;
    show(answer);
    status.textContent = `${decision || "undecided"}: ${answer.rows.length === 1 ? "item " + answer.rows[0].item : answer.rows.length + " items"}, saved`;
    return true;
  }

  function decide(decision, chosen) {
    if (by.value.trim() === "") {
      fail("Say who decides first.");
      by.focus();
      return;
    }
    const all = filtered.checked && !chosen;
    const several = chosen ? [] : selected();
    const targets = chosen ?? (several.length > 0 ? several : rows.slice(here, here + 1));
    if (targets.length === 0 && !all) return;
    const note = comment.value.trim();
    const day = decision === "exception" ? until.value : "";
    if (decision === "exception" && (note === "" || day === "")) {
      fail(note === "" ? "An exception needs a comment." : "An exception needs a last day.");
      (note === "" ? comment : until).focus();
      return;
    }
    queue = queue.then(async () => {
      const before = targets.map((row) => ({ item: row.dataset.item, decision: row.dataset.decision, comment: row.dataset.comment, until: row.dataset.until }));
      if (await send(targets.map((row) => row.dataset.item), decision, note, day, all) && !all) undo.push(before);
    });
    comment.value = "";
    until.value = "";
    for (const row of several) box(row).checked = false;
    filtered.checked = false;
    if (chosen) {
      move(rows.indexOf(chosen[0]) + 1);
    } else if (several.length === 0) {
      move(here + 1);
    } else {
      move(here);
    }
  }

  function takeBack() {
    queue = queue.then(async () => {
      const before = undo.pop();
      if (!before) {
        status.textContent = "Nothing to undo.";
        return;
      }
      const groups = new Map();
      for (const b of before) {
        const key = JSON.stringify([b.decision, b.comment, b.until]);
        groups.set(key, [...(groups.get(key) ?? []), b]);
      }
      for (const list of groups.values()) {
        await send(list.map((b) => b.item), list[0].decision, list[0].comment, list[0].until, false);
      }
      const row = byItem.get(before[0].item);
      if (row) move(rows.indexOf(row));
    });
  }

  form.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (!button) {
      event.preventDefault();
      return;
    }
    event.preventDefault();
    if (button.name === "one") {
      const [item, decision] = button.value.split(":");
      decide(decision, [byItem.get(item)]);
    } else if (button.name === "decide") {
      if (selected().length === 0 && !filtered.checked) {
        fail("No item is selected.");
        return;
      }
      decide(button.value === "undecided" ? "" : button.value);
    }
  });

  form.addEventListener("focusin", (event) => {
    const row = event.target.closest("[data-item]");
    if (row && rows[here] !== row) move(rows.indexOf(row), false);
  });

  // Enter in the fields decides about the row that the keyboard is on.
  for (const field of [comment, until]) {
    field.addEventListener("keydown", (event) => {
      if (event.key === "Escape") move(here);
      if (event.key !== "Enter") return;
      event.preventDefault();
      const now = rows[here]?.dataset;
      if (until.value !== "") {
        decide("exception");
      } else if (now?.decision === "keep" || now?.decision === "revoke") {
        decide(now.decision);
      } else {
        move(here);
        status.textContent = "The comment goes with the next decision.";
      }
    });
  }
  by.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    alertBox.hidden = true;
    move(here);
  });

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input:not([type=checkbox]), select, textarea, summary")) return;
    const onControl = event.target.closest("button, a, input");
    const actions = {
      k: () => decide("keep"),
      r: () => decide("revoke"),
      c: () => { comment.value = rows[here]?.dataset.comment ?? ""; comment.focus(); },
      x: () => { until.value = rows[here]?.dataset.until || until.dataset.default; comment.value ||= rows[here]?.dataset.comment ?? ""; comment.focus(); },
      u: takeBack,
      n: nextUndecided,
      ArrowDown: () => move(document.activeElement === rows[here] ? here + 1 : here),
      ArrowUp: () => move(here - 1),
      Home: () => move(0),
      End: () => move(rows.length - 1),
    };
    if (event.key === " " && !onControl && rows.length > 0) {
      box(rows[here]).checked = !box(rows[here]).checked;
      event.preventDefault();
    } else if (Object.hasOwn(actions, event.key) && rows.length > 0) {
      event.preventDefault();
      actions[event.key]();
    }
  });

  move(0, false);
})();
