/* The console's own script: keys, live state, theme. Every page works without it. */
"use strict";

(() => {
  const QUIET_MS = 5000; // a lost connection is said after this long, so that a reload does not flash
  const POLL_MS = 10000; // while the stream is away
  const body = document.body;
  const typing = document.querySelector("form[data-typing]"); // an editor
  const all = (selector, root = document) => Array.from(root.querySelectorAll(selector));

  // --- live state: said, never hidden -------------------------------------------------------------------------
  const live = document.querySelector("[data-live]");
  let state = live && live.dataset.mode === "poll" ? "on" : "waiting";
  let updated = Date.now();
  let lostAt = Date.now();

  const clock = (ms) => new Date(ms).toISOString().slice(11, 19);
  const ago = (ms) => {
    const s = Math.max(0, Math.round((Date.now() - ms) / 1000));
    return s < 60 ? `${s} s` : s < 3600 ? `${Math.floor(s / 60)}m` : `${Math.floor(s / 3600)}h`;
  };
  const set = (next) => {
    if (next === "lost" && state !== "lost") lostAt = Date.now();
    state = next;
    show();
  };
  const show = () => {
    const isLost = state === "lost" && Date.now() - lostAt > QUIET_MS;
    all("[data-live]").forEach((mark) => {
      mark.dataset.state = state === "on" ? "on" : "lost";
      const words = mark.firstElementChild;
      const small = document.createElement("span");
      small.className = "hide-sm";
      small.textContent = state === "on" ? ` · updated ${ago(updated)} ago` : ` · last update ${clock(updated)}`;
      words.replaceChildren(state === "on" ? "Live" : "Not live", small);
    });
    all("[data-lost]").forEach((note) => { note.hidden = !isLost; });
  };
  if (live) {
    const fresh = () => { updated = Date.now(); };
    body.addEventListener("htmx:sseOpen", () => { fresh(); set("on"); });
    body.addEventListener("htmx:sseError", () => set("lost"));
    body.addEventListener("htmx:sseClose", () => set("lost"));
    body.addEventListener("htmx:sseMessage", fresh);
    body.addEventListener("htmx:afterRequest", (event) => {
      if (event.detail.successful) { fresh(); if (live.dataset.mode === "poll") set("on"); }
    });
    body.addEventListener("htmx:sendError", () => set("lost"));
    setInterval(show, 1000);
    setInterval(() => { if (state === "lost") htmx.trigger(body, "incident-changed"); }, POLL_MS);
    show();
  }

  // --- swaps --------------------------------------------------------------------------------------------------
  let isWaiting = false;
  let focused = ""; // the id of a block that had the focus before it was swapped
  const isTyped = (field) => field.type !== "hidden" && field.value !== field.defaultValue && "defaultValue" in field;
  const isBusy = (target) => {
    if (!target || !target.querySelector) return false;
    if (target.querySelector(".sign details[open], .drop[open]") || (target.matches(".sign") && target.querySelector("details[open]"))) return true;
    const focus = document.activeElement;
    const inSign = focus && focus.closest && focus.closest(".sign, .drop");
    // The bar itself has the focus after a decision; only a control inside it is somebody's work.
    if (inSign && focus !== inSign && target.contains(focus)) return true;
    return all("input, textarea", target).some(isTyped);
  };
  const stale = (target) => {
    const sign = target.matches(".sign") ? target : target.querySelector(".sign");
    if (!sign || document.querySelector("[data-stale]")) return;
    const note = document.createElement("p");
    note.className = "note note--warn";
    note.dataset.stale = "";
    note.setAttribute("role", "status");
    const link = Object.assign(document.createElement("a"), { href: "", textContent: "Show what is there now" });
    note.append("This proposal changed while you were deciding. ", link);
    sign.before(note);
  };
  body.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr, requestConfig, target } = event.detail;
    if (new URL(xhr.responseURL || location.href).pathname.startsWith("/sign-in")) {
      event.detail.shouldSwap = false;
      if (!typing) { location.reload(); return; }
      document.getElementById("notice").textContent = "You were signed out. What you typed is still here: sign in in another tab, then go on.";
      return;
    }
    if (xhr.status >= 400 && !xhr.getResponseHeader("HX-Retarget")) {
      const notice = document.getElementById("notice");
      const isOurs = xhr.responseText.trim().startsWith("<p class=\"note");
      event.detail.shouldSwap = Boolean(isOurs && notice);
      event.detail.target = notice;
      event.detail.swapOverride = "innerHTML";
      if (!isOurs && notice) notice.textContent = `The server answered ${xhr.status}. Reload the page and try again.`;
      return;
    }
    focused = target === document.activeElement ? target.id : "";
    if (requestConfig.verb === "get" && isBusy(target)) {
      event.detail.shouldSwap = false;
      isWaiting = true;
      stale(target);
    }
  });
  body.addEventListener("focusout", () => setTimeout(() => {
    if (isWaiting && !isBusy(body)) { isWaiting = false; htmx.trigger(body, "incident-changed"); }
  }, 300));
  const focusOn = (block) => { if (block) { block.tabIndex = -1; block.focus({ preventScroll: true }); } };
  body.addEventListener("htmx:afterSwap", (event) => {
    const { requestConfig, target } = event.detail;
    if (requestConfig && requestConfig.verb === "post" && target && target.id) {
      const now = document.getElementById(target.id);
      document.querySelectorAll("[data-stale]").forEach((note) => note.remove());
      if (now && now.matches(".sign, .ask, #proposal")) focusOn(now);
    } else if (focused && target && target.id === focused) {
      focusOn(document.getElementById(focused));
    }
  });

  // --- small comforts -----------------------------------------------------------------------------------------
  const localise = (event) => {
    const time = event.target.closest && event.target.closest("time[datetime]");
    if (time && !time.title) time.title = `${new Date(time.dateTime).toLocaleString(undefined, { timeZoneName: "short" })} here`;
  };
  body.addEventListener("mouseover", localise);
  body.addEventListener("focusin", localise);
  body.addEventListener("change", (event) => {
    if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
  });
  body.addEventListener("click", (event) => {
    all(".drop[open], .ask__acts details[open]").forEach((open) => { if (!open.contains(event.target)) open.open = false; });
  });

  const THEMES = ["", "light", "dark"];
  const root = document.documentElement;
  const label = () => all("[data-theme-switch]").forEach((button) => {
    button.hidden = false;
    button.textContent = `Theme: ${root.dataset.theme || "system"}`;
  });
  body.addEventListener("click", (event) => {
    if (!event.target.closest("[data-theme-switch]")) return;
    const next = THEMES[(THEMES.indexOf(root.dataset.theme || "") + 1) % THEMES.length];
    if (next) root.dataset.theme = next; else delete root.dataset.theme;
    document.cookie = `theme=${next}; path=/; max-age=${next ? 31536000 : 0}; samesite=lax`;
    label();
  });
  label();

  // --- an editor: nothing typed is lost ------------------------------------------------------------------------
  if (typing) {
    let typed = 0; // counts what was typed, so that a draft on its way is known to be older than the last key
    let kept = 0;
    let asked = 0;
    let isSent = false;
    const keeps = (event) => event.target.matches && event.target.matches("[data-keeps]");
    typing.addEventListener("input", () => { typed += 1; });
    document.addEventListener("submit", (event) => {
      if (event.target === typing && isSent) event.preventDefault(); // a second click is not a second entry
      if (event.target === typing || event.target.id === "discard") { isSent = true; kept = typed; }
    });
    body.addEventListener("htmx:beforeRequest", (event) => {
      if (!keeps(event)) return;
      if (isSent) event.preventDefault(); // or what was just saved would come back as a draft
      asked = typed;
    });
    body.addEventListener("htmx:afterRequest", (event) => { if (keeps(event) && event.detail.successful) kept = Math.max(kept, asked); });
    addEventListener("pageshow", () => { isSent = false; });
    addEventListener("pagehide", () => { if (kept < typed) navigator.sendBeacon(typing.dataset.typing, new FormData(typing)); });
    document.addEventListener("keydown", (event) => {
      if (event.key.toLowerCase() !== "s" || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
      event.preventDefault();
      typing.requestSubmit();
    });
  }

  const leaving = document.querySelector("a[data-leave]"); // on to the organisation's sign-in
  if (leaving) leaving.click();

  // --- keys ---------------------------------------------------------------------------------------------------
  const links = () => all(".inbox a.inbox__title, .queue a.ask__title, a[data-row]");
  const here = () => links().findIndex((link) => link === document.activeElement || rowOf(link).contains(document.activeElement));
  const rowOf = (link) => link.closest("tr, .ask");
  const move = (by) => {
    const found = links();
    if (!found.length) return;
    const at = here();
    const next = found[Math.max(0, Math.min(found.length - 1, at < 0 ? 0 : at + by))];
    next.focus();
    rowOf(next).scrollIntoView({ block: "nearest" });
  };
  const current = () => { const at = here(); const found = links(); return found.length ? rowOf(found[Math.max(at, 0)]) : null; };
  const approve = () => {
    const row = current();
    const button = document.getElementById("approve") || (row && row.querySelector("button[value=approve]"));
    if (button) button.focus();
  };
  const reject = () => {
    const row = current();
    const sheet = document.getElementById("reject") || (row && row.querySelector(".ask__acts details"));
    if (!sheet) return;
    sheet.open = true;
    const first = sheet.querySelector("input[type=radio], .menu button");
    if (first) first.focus();
  };
  const assign = () => {
    const mine = document.getElementById("assign-me");
    if (mine) { mine.click(); return; }
    const row = current();
    if (!row || !row.dataset.assign) return;
    htmx.ajax("POST", row.dataset.assign, { values: { owner: "me" }, swap: "none" })
      .then(() => htmx.trigger(row, row.getAttribute("hx-trigger").split(" ")[0]));
  };
  const keys = {
    j: () => move(1),
    k: () => move(-1),
    a: approve,
    r: reject,
    m: assign,
    n: () => { const link = document.querySelector("[data-new]"); if (link) link.click(); },
    "/": () => { const field = document.querySelector("input[type=search]"); if (field) field.focus(); },
    "?": () => { const list = document.getElementById("keys"); if (list && !list.open) list.showModal(); },
  };
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") all("details[open]:is(.drop, [name=sheet], .ask__acts details)").forEach((open) => { open.open = false; });
    if (event.ctrlKey || event.altKey || event.metaKey || event.target.closest("input, textarea, select, dialog")) return;
    if (!(event.key in keys)) return;
    event.preventDefault();
    keys[event.key]();
  });
})();
