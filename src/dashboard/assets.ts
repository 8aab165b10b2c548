/** The only style sheet. Colours keep a contrast of 4.5 and more in both schemes; state is said in words, never by colour alone. */
export const stylesheet = `
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #57606a; --paper: #fff; --box: #f5f7f9; --line: #d0d7de; --link: #0550ae; --good: #116329; --bad: #a40e26; --warn: #7a4b00; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --soft: #a3adb8; --paper: #0d1117; --box: #161b22; --line: #3d444d; --link: #79b8ff; --good: #56d364; --bad: #ff938a; --warn: #e3b341; } }
* { box-sizing: border-box; }
html { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
body { margin: 0 auto; max-width: 68rem; padding: 0 1rem 3rem; }
a { color: var(--link); } :focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
.skip { position: absolute; left: -99rem; } .skip:focus { left: 1rem; top: .5rem; background: var(--paper); padding: .3rem; }
header { display: flex; flex-wrap: wrap; gap: .2rem 1rem; align-items: baseline; padding: .8rem 0 .3rem; }
header p { margin: 0; color: var(--soft); min-width: 0; overflow-wrap: anywhere; } h1, p, li { overflow-wrap: anywhere; } header .who { color: var(--ink); font-size: 1.2rem; font-weight: 600; }
nav ul { display: flex; flex-wrap: wrap; gap: .2rem .9rem; list-style: none; margin: 0; padding: .3rem 0; border-bottom: 1px solid var(--line); }
nav a { display: inline-block; padding: .25rem 0; } nav a[aria-current] { color: var(--ink); font-weight: 600; text-decoration-thickness: 2px; }
h1 { font-size: 1.3rem; margin: 1rem 0 .5rem; } h2 { font-size: 1.05rem; margin: 1.4rem 0 .4rem; }
.box { background: var(--box); border: 1px solid var(--line); border-radius: .4rem; padding: .6rem .9rem; margin: .7rem 0; }
.box h2 { margin: 0 0 .3rem; } .box p { margin: .2rem 0; }
dl { display: grid; grid-template-columns: minmax(7rem, max-content) 1fr; gap: .2rem 1rem; margin: .3rem 0; } dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; } caption { text-align: left; color: var(--soft); }
th, td { text-align: left; vertical-align: top; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--line); } .num { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.text { overflow-wrap: anywhere; min-width: 12rem; } time { white-space: nowrap; }
pre, .said { white-space: pre-wrap; overflow-wrap: anywhere; margin: .3rem 0; } pre { font: .9rem/1.4 ui-monospace, monospace; }
.soft { color: var(--soft); } .good { color: var(--good); } .bad { color: var(--bad); } .warn { color: var(--warn); }
.label { border: 1px solid; border-radius: .3rem; padding: 0 .4rem; font-size: .85rem; }
#live { margin: .5rem 0; padding: .3rem .6rem; border-left: 4px solid var(--warn); background: var(--box); } #live[hidden] { display: none; }
form.filter { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: end; margin: .6rem 0; } form.filter p { margin: 0; min-width: 0; max-width: 100%; } form.filter label { display: block; color: var(--soft); font-size: .9rem; }
input, select, button { font: inherit; color: inherit; background: var(--paper); border: 1px solid var(--soft); border-radius: .3rem; padding: .3rem .6rem; max-width: 100%; } button { cursor: pointer; background: var(--box); }
svg { display: block; max-width: 100%; height: auto; } svg .bar { fill: var(--link); } svg .left { fill: none; stroke: var(--warn); stroke-dasharray: 4 3; } svg text { fill: var(--soft); font-size: 11px; }
.act { margin: .4rem 0; } .act summary { cursor: pointer; }
footer { margin-top: 2rem; color: var(--soft); display: flex; gap: 1rem; flex-wrap: wrap; align-items: baseline; } footer form { margin: 0; }
@media (max-width: 40rem) { body { padding: 0 .7rem 2rem; } dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: .4rem; } }
`;

/**
 * The only script: pages are whole without it. It asks for the page again when the agent did something and puts in what changed, lets
 * ages count, and says when no news comes. Markup only ever comes from the server.
 */
export const script = `"use strict";
const band = document.getElementById("live");
const live = document.querySelector("main[data-live]");
let heard = Date.now(), asking = false, again = false, held = false, stream;
const rough = (ms) => { const s = Math.max(0, Math.floor(ms / 1000));
  return s < 60 ? s + " s" : s < 3600 ? Math.floor(s / 60) + " min" : s < 172800 ? Math.floor(s / 3600) + " h" : Math.floor(s / 86400) + " d"; };
const put = (node, words) => { if (node.textContent !== words) node.textContent = words; };
// What is wrong is read out once; for how long counts on silently.
const said = document.createElement("span"), since = document.createElement("span");
since.setAttribute("aria-hidden", "true");
if (band) band.append(said, since);
const shift = live ? Date.now() - Number(live.dataset.now) : 0;
function tick() {
  if (document.hidden) return;
  for (const time of document.querySelectorAll("time[data-since]")) time.textContent = rough(Date.now() - shift - time.dataset.since) + " ago";
  const quiet = Date.now() - heard;
  if (band) { band.hidden = quiet < 25000 && (!stream || stream.readyState === 1);
    put(said, band.hidden ? "" : quiet < 3000 ? "connecting" : "no news, trying again");
    put(since, quiet < 3000 ? "" : ", since " + rough(quiet)); }
  const state = document.getElementById("state");
  if (state && stream) put(state, band && !band.hidden ? "not live" : held ? "live, but for the part that you are in" : "live");
}
// What stays as it was keeps its node, and with it focus and sideways scroll.
function morph(old, fresh) {
  if (old.isEqualNode(fresh)) return;
  const was = [...old.childNodes], is = [...fresh.childNodes];
  if (!old.cloneNode().isEqualNode(fresh.cloneNode())) old.replaceWith(fresh);
  else if (was.length === is.length) was.forEach((one, at) => morph(one, is[at]));
  else old.replaceChildren(...is);
}
// A link or table that had the focus and was made anew has it again.
function replace(old, part) {
  const nameOf = (node) => node.getAttribute("href") || node.getAttribute("aria-label");
  const focus = old.contains(document.activeElement) && nameOf(document.activeElement);
  const lefts = new Map([...old.querySelectorAll(".scroll")].map((one) => [nameOf(one), one.scrollLeft]));
  morph(old, part);
  for (const one of old.querySelectorAll(".scroll")) one.scrollLeft = lefts.get(nameOf(one)) || 0;
  if (focus && !old.contains(document.activeElement)) [...old.querySelectorAll("a, .scroll")].find((one) => nameOf(one) === focus)?.focus({ preventScroll: true });
}
async function refresh() {
  if (asking) { again = true; return; }
  asking = true;
  try {
    const answer = await fetch(location.href, { headers: { accept: "text/html" }, credentials: "same-origin" });
    if (answer.redirected && new URL(answer.url).pathname === "/login") { location.assign("/login"); return; }
    if (answer.ok) {
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      held = false;
      for (const part of fresh.querySelectorAll("[data-part]")) {
        const old = document.querySelector('[data-part="' + CSS.escape(part.dataset.part) + '"]');
        // What somebody opened stays open, what somebody is about to type or press in stays.
        const opened = new Set([...(old ? old.querySelectorAll("details[open]") : [])].map((one) => one.innerHTML));
        for (const one of part.querySelectorAll("details")) one.open = opened.has(one.innerHTML);
        if (!old || old.innerHTML === part.innerHTML) continue;
        if (old.querySelector(":is(input, select, textarea, button, summary):focus")) held = true;
        else replace(old, part);
      }
      tick();
    }
  } catch { /* no network: the band says so, and the stream tries again */ }
  finally { setTimeout(() => { asking = false; if (again) { again = false; refresh(); } }, 700); }
}
function listen() {
  if (stream) stream.close();
  // Browsers give all pages of a host six connections: one that nobody sees leaves its own to the others.
  if (document.hidden) { stream = undefined; return; }
  if (!stream) heard = Date.now();
  stream = new EventSource("/api/events?kinds=" + live.dataset.live.replaceAll(" ", ","));
  const note = () => { heard = Date.now(); tick(); };
  stream.onopen = () => { note(); refresh(); };
  stream.addEventListener("beat", note);
  for (const kind of ["step", "run", "state", "log", "gap"]) stream.addEventListener(kind, () => { note(); refresh(); });
  stream.onerror = () => {
    tick();
    // A browser gives up for good when it is refused (signed out, too many pages open): we go on asking, slowly.
    if (stream.readyState === 2) { refresh(); setTimeout(listen, 5000); }
  };
}
if (live) { listen(); setInterval(tick, 1000); document.addEventListener("visibilitychange", listen); addEventListener("pagehide", () => stream && stream.close()); addEventListener("pageshow", (event) => { if (event.persisted) listen(); }); addEventListener("focusout", () => { if (held) refresh(); }); }
const code = document.getElementById("code");
// A link's code stands behind the #, which browsers send to nobody; it is used once and goes from the address at once.
function redeem() { if (code && location.hash.length > 1) { code.value = location.hash.slice(1); history.replaceState(null, "", "/login"); code.form.requestSubmit(); } }
redeem();
// Also where the page was open already: a browser does not load it again for what stands behind the #.
addEventListener("hashchange", redeem);
`;

export const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><path d="M2 14 8 2l6 12z" fill="#0550ae"/></svg>`;
