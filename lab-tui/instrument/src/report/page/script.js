"use strict";
// Folding, filtering, keys, copying; and the question whether there is more, for as long as the trace is still being written.
const root = document.documentElement, folded = new Set();
let rows = [], at = -1;

const details = (row) => row.querySelector(":scope > details");
const idOf = (row) => details(row)?.id;
const depthOf = (row) => Number(row.dataset.depth);
const spans = () => rows.filter((row) => details(row) && !row.hidden);
const twisty = (row) => row.querySelector("button.twisty");

// What is folded stays out of sight, and so does what the filter leaves out; those above a row that is found stay, dimmed.
function arrange() {
  const wanted = document.getElementById("filter")?.value.trim().toLowerCase() ?? "";
  const above = [];
  let until = Infinity, found = 0;
  for (const row of rows) {
    const depth = depthOf(row);
    while (above.length && depthOf(above.at(-1)) >= depth) above.pop();
    if (depth <= until) until = Infinity;
    const hit = !wanted || row.textContent.toLowerCase().includes(wanted);
    row.hidden = wanted ? !hit : until !== Infinity;
    row.classList.toggle("dim", Boolean(wanted) && !hit);
    if (hit && wanted) {
      found += 1;
      for (const one of above) one.hidden = false;
    }
    if (details(row)) above.push(row);
    if (!wanted && until === Infinity && folded.has(idOf(row))) until = depth;
    twisty(row)?.setAttribute("aria-expanded", String(Boolean(wanted) || !folded.has(idOf(row))));
  }
  const status = document.getElementById("found");
  if (status) status.textContent = wanted ? `${found} of ${rows.length} rows` : "";
}

function fold(row, yes) {
  if (!row || !twisty(row)) return;
  if (yes) folded.add(idOf(row)); else folded.delete(idOf(row));
  arrange();
}

function foldAll(yes) {
  folded.clear();
  if (yes) for (const row of rows) if (twisty(row)) folded.add(idOf(row));
  arrange();
}

function choose(row, scroll = "nearest") {
  if (!row) return;
  at = rows.indexOf(row);
  const summary = row.querySelector("summary");
  summary.focus({ preventScroll: true });
  summary.scrollIntoView({ block: scroll });
}

const chosen = () => rows[at] && !rows[at].hidden ? rows[at] : undefined;

function step(by) {
  const all = spans(), place = all.indexOf(chosen());
  choose(all[place < 0 ? 0 : Math.min(Math.max(place + by, 0), all.length - 1)]);
}

function parent(row) {
  for (let i = rows.indexOf(row) - 1; i >= 0; i -= 1) if (depthOf(rows[i]) < depthOf(row) && details(rows[i])) return rows[i];
}

function nextError() {
  const failed = rows.filter((row) => row.classList.contains("error"));
  reveal(failed.find((row) => rows.indexOf(row) > at) ?? failed[0]);
}

// Brings a span into sight, whatever it is folded under.
function reveal(row) {
  if (!row) return;
  for (let above = parent(row); above; above = parent(above)) folded.delete(idOf(above));
  const filter = document.getElementById("filter");
  if (filter && row.hidden) filter.value = "";
  arrange();
  choose(row, "center");
}

function focusOnAddress(open) {
  const span = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
  if (!span || !span.closest(".row")) return;
  if (open) span.open = true;
  reveal(span.closest(".row"));
}

async function copy(button) {
  const said = button.textContent;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = "copied";
  } catch {
    // Not allowed: chosen, it can be copied by hand.
    getSelection().selectAllChildren(button.previousElementSibling);
    button.textContent = "press Ctrl-C";
  }
  setTimeout(() => { button.textContent = said; }, 1500);
}

// A line through all rows at the pointer, with its time.
function point(event) {
  const list = document.querySelector(".rows"), track = list?.querySelector(".row:not([hidden]) .track");
  if (!track) return;
  let cursor = list.querySelector(".cursor");
  if (!cursor) {
    cursor = document.createElement("li");
    cursor.className = "cursor";
    cursor.setAttribute("aria-hidden", "true");
    cursor.append(document.createElement("span"));
    list.append(cursor);
  }
  const box = track.getBoundingClientRect(), share = (event.clientX - box.left) / box.width;
  cursor.style.display = share >= 0 && share <= 1 && !event.target.closest(".detail") ? "block" : "none";
  cursor.style.left = `${event.clientX - list.getBoundingClientRect().left}px`;
  cursor.firstChild.textContent = clock(share * Number(list.dataset.nanos) / 1e6);
}

function clock(ms) {
  if (ms < 0.0995) return `${Math.round(ms * 1000)} µs`;
  if (ms < 999.5) return `${ms.toPrecision(3)} ms`;
  return `${(ms / 1000).toFixed(2)} s`;
}

const keys = {
  ArrowDown: () => step(1), j: () => step(1), ArrowUp: () => step(-1), k: () => step(-1),
  PageDown: () => step(10), PageUp: () => step(-10),
  Home: () => step(-Infinity), g: () => step(-Infinity), End: () => step(Infinity), G: () => step(Infinity),
  ArrowLeft: () => left(), h: () => left(), ArrowRight: () => right(), l: () => right(),
  Enter: () => toggle(), " ": () => toggle(),
  "/": () => document.getElementById("filter")?.focus(),
  e: nextError,
  x: () => foldAll(folded.size === 0),
  c: () => { const button = document.querySelector("header .copy"); if (button) copy(button); },
  Escape: () => { const filter = document.getElementById("filter"); if (filter) { filter.value = ""; arrange(); } },
};

function toggle() {
  const row = chosen() ?? spans()[0];
  if (!row) return;
  details(row).open = !details(row).open;
  choose(row);
}

function left() {
  const row = chosen();
  if (!row) return;
  if (details(row).open) details(row).open = false;
  else if (twisty(row) && !folded.has(idOf(row))) fold(row, true);
  else choose(parent(row));
}

function right() {
  const row = chosen();
  if (!row) return;
  if (folded.has(idOf(row))) fold(row, false);
  else details(row).open = true;
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const target = event.target;
  if (target instanceof HTMLInputElement) {
    if (event.key === "Escape" || event.key === "Enter" || event.key === "ArrowDown") {
      event.preventDefault();
      if (event.key === "Escape") keys.Escape();
      target.blur();
      if (event.key !== "Escape") step(0);
    }
    return;
  }
  // Buttons, links and what opens by itself know what Enter and the space bar mean for them.
  const own = target.closest("button, a, summary"), opens = event.key === "Enter" || event.key === " ";
  if (opens && own) return;
  const act = Object.hasOwn(keys, event.key) && keys[event.key];
  if (act && rows.length) {
    event.preventDefault();
    act();
  }
});
document.addEventListener("click", (event) => {
  const target = event.target;
  if (target.closest(".copy")) { event.preventDefault(); copy(target.closest(".copy")); return; }
  const button = target.closest("button.twisty");
  if (button) {
    // It stands in what opens the span, and means something else.
    event.preventDefault();
    const row = button.closest(".row");
    fold(row, !folded.has(idOf(row)));
    return;
  }
  if (target.id === "fold") foldAll(true);
  if (target.id === "unfold") foldAll(false);
  if (target.id === "error") nextError();
});
document.addEventListener("focusin", (event) => {
  const row = event.target.closest?.(".row");
  if (row) at = rows.indexOf(row);
});
document.addEventListener("input", (event) => { if (event.target.id === "filter") arrange(); });
document.addEventListener("pointermove", (event) => {
  const cursor = document.querySelector(".cursor");
  if (event.target.closest?.(".rows")) point(event); else if (cursor) cursor.style.display = "none";
});
addEventListener("hashchange", () => focusOnAddress(true));

function begin() {
  rows = [...document.querySelectorAll(".rows > .row")];
  arrange();
}

// The page again, put in place of this one with everything as the reader has left it.
async function refresh() {
  const response = await fetch(location.pathname, { cache: "no-store" });
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  const now = document.getElementById("trace"), next = fresh.getElementById("trace");
  if (!next || now.dataset.version === next.dataset.version) return false;
  const open = [...now.querySelectorAll(".row > details[open]")].map((one) => one.id);
  const filter = document.getElementById("filter"), typed = filter?.value ?? "", typing = document.activeElement === filter && filter;
  const focused = chosen() && idOf(chosen()), y = scrollY;
  now.replaceWith(document.adoptNode(next));
  document.title = fresh.title;
  const again = document.getElementById("filter");
  if (again) again.value = typed;
  for (const id of open) { const one = document.getElementById(id); if (one) one.open = true; }
  begin();
  const was = focused && document.getElementById(focused);
  at = was ? rows.indexOf(was.closest(".row")) : -1;
  if (typing && again) again.focus(); else if (was) was.querySelector("summary").focus({ preventScroll: true });
  scrollTo(0, y);
  return true;
}

const complete = () => document.getElementById("trace").dataset.complete === "true";

async function watch() {
  let wait = 500, missed = 0;
  while (!complete()) {
    await new Promise((done) => setTimeout(done, wait));
    if (document.hidden) continue;
    try {
      const first = rows.length === 0;
      if (await refresh()) { wait = 500; if (first) focusOnAddress(true); } else wait = Math.min(wait * 1.3, 5000);
      missed = 0;
    } catch {
      missed += 1;
      if (missed < 5) continue;
      const state = document.querySelector(".state");
      state.querySelector(".dot").classList.remove("live");
      state.lastElementChild.textContent = "The lab does not answer any more. This is as far as the trace had come in.";
      return;
    }
  }
}

root.classList.add("live");
begin();
focusOnAddress(true);
watch();
