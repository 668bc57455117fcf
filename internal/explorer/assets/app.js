// What pages gain where scripts run: lists are searched while one types, and choices
// act at once. Every page works without this.
"use strict";

(() => {
  const typingPause = 250; // milliseconds
  let asked = 0;

  // fold takes case and accents out of a text, letter by letter, so that places stay.
  const fold = (text) => [...text].map((c) => c.normalize("NFD")[0].toLowerCase().padEnd(c.length, "\0").slice(0, c.length)).join("");

  // mark shows where the words of a search are.
  function mark() {
    if (!window.Highlight) return;
    const ranges = [];
    for (const results of document.querySelectorAll("[id^=results-]")) {
      const words = fold(new URLSearchParams(location.search).get("q") ?? "").split(/\s+/).filter(Boolean);
      const texts = document.createTreeWalker(results, NodeFilter.SHOW_TEXT, (node) =>
        (node.parentElement.closest("tbody") ? NodeFilter.FILTER_ACCEPT : NodeFilter.FILTER_SKIP));
      while (words.length > 0 && texts.nextNode()) {
        const text = fold(texts.currentNode.data);
        for (const word of words) {
          for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + word.length)) {
            const range = new Range();
            range.setStart(texts.currentNode, at);
            range.setEnd(texts.currentNode, at + word.length);
            ranges.push(range);
          }
        }
      }
    }
    CSS.highlights.set("found", new Highlight(...ranges));
  }
  mark();

  // load puts the results of a form's list in place of those that are shown.
  async function load(form, results) {
    const url = new URL(form.action, location.href);
    url.search = new URLSearchParams([...new FormData(form)].filter(([, value]) => value !== "")).toString();
    const turn = ++asked;
    let text;
    try {
      const answer = await fetch(url, { headers: { Accept: "text/html" }, credentials: "same-origin" });
      if (!answer.ok) throw new Error(answer.statusText);
      text = await answer.text();
    } catch {
      form.submit(); // The browser shows what is wrong.
      return;
    }
    if (turn !== asked) return; // A later search has been asked for.
    const found = new DOMParser().parseFromString(text, "text/html").getElementById(results.id);
    if (!found) {
      form.submit();
      return;
    }
    // The status stays the same element, so that screen readers say what changes.
    const status = results.querySelector("[role=status]");
    const news = found.querySelector("[role=status]");
    if (status && news) {
      status.textContent = news.textContent;
      news.replaceWith(status);
    }
    results.replaceChildren(...found.childNodes);
    history.replaceState(null, "", url);
    mark();
  }

  for (const form of document.querySelectorAll("form[data-results]")) {
    const results = document.getElementById(form.dataset.results);
    let timer;
    const soon = (pause) => {
      clearTimeout(timer);
      timer = setTimeout(() => load(form, results), pause);
    };
    form.addEventListener("input", (event) => soon(event.target.type === "search" ? typingPause : 0));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      soon(0);
    });
  }

  // Keyboards move through the choices of a select one by one, so that acting on each
  // of them at once would leave the page too early: only a pointer's choice acts. Results
  // come and go, so that what is in them is listened to from above.
  let pointed = null;
  document.addEventListener("pointerdown", (event) => { pointed = event.target.closest("select[data-submit]"); });
  document.addEventListener("keydown", () => { pointed = null; });
  document.addEventListener("change", (event) => {
    if (event.target === pointed) pointed.form.requestSubmit();
  });

  // The menu stands beside the page until it is folded, which the browser remembers; on a narrow
  // screen it is opened.
  const root = document.documentElement;
  const menu = document.querySelector("button.menu");
  const wide = matchMedia("(min-width: 64rem)");
  const remembered = {
    get folded() { try { return localStorage.getItem("menu") === "folded"; } catch { return false; } },
    set folded(is) { try { localStorage.setItem("menu", is ? "folded" : "shown"); } catch { /* It is not remembered. */ } },
  };
  const showMenu = (shown) => {
    root.dataset.menu = shown ? "open" : "folded";
    menu?.setAttribute("aria-expanded", String(shown));
  };
  if (menu) {
    root.classList.add("scripted");
    const usual = () => showMenu(wide.matches && !remembered.folded);
    usual();
    wide.addEventListener("change", usual);
    menu.addEventListener("click", () => {
      const shown = root.dataset.menu !== "open";
      showMenu(shown);
      if (wide.matches) remembered.folded = !shown;
    });
  }

  // A page says when there is a newer sync than it shows.
  const newer = document.querySelector("[data-newer]");
  if (newer) {
    const pause = 15_000; // milliseconds
    const ask = async () => {
      if (document.hidden || !newer.hidden) return;
      try {
        const answer = await fetch(newer.dataset.newer, { cache: "no-store", credentials: "same-origin" });
        const news = await answer.json();
        if (!news.newer) return;
        const link = document.createElement("a");
        [link.href, link.textContent] = [news.url, "show it"];
        newer.replaceChildren("A newer sync is there: ", link);
        newer.hidden = false;
      } catch {
        // The program may have ended. The next page says so.
      }
    };
    setInterval(ask, pause);
    document.addEventListener("visibilitychange", ask);
  }

  // A menu of columns closes like other menus.
  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && event.target.closest("details.columns[open]");
    if (!menu) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
  document.addEventListener("pointerdown", (event) => {
    for (const menu of document.querySelectorAll("details.columns[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });

  // "/" goes to the search field, as in many tools.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, select, textarea, [contenteditable]")) return;
    const field = document.querySelector("main input[type=search]") ?? document.querySelector("input[type=search]");
    if (field) {
      event.preventDefault();
      field.focus();
      field.select();
    }
  });
})();
