"use strict";

// Shows what has changed on a page whose main part says that it changes by itself.
(() => {
  const pause = 1000; // milliseconds
  const look = async () => {
    const main = document.querySelector("main[data-live]");
    if (!main) return;
    try {
      const answer = await fetch(location.href, { cache: "no-store" });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const next = page.querySelector("main");
      const busy = main !== document.activeElement && main.contains(document.activeElement);
      if (next && !busy && next.outerHTML !== main.outerHTML) main.replaceWith(document.adoptNode(next));
    } catch {
      // The program may be starting again.
    }
    setTimeout(look, pause);
  };
  setTimeout(look, pause);
})();
