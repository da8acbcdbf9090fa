
// What the hands do: pointer, wheel, keys, search, and the address that remembers the view.
function choose(k, fit) {
  chosen = k; showEvidence();
  if (fit && k >= 0 && !Number.isNaN(at.x[k])) frame(at.x[k], at.y[k], at.x[k], at.y[k]);
  draw(); remember();
}
/** The next or previous visible photo. */
function step(by) {
  for (let n = 1, k = chosen < 0 ? (by > 0 ? -1 : N) : chosen; n <= N; n++) {
    k = (k + by + N) % N;
    if (!visible[k]) continue;
    const isNear = !Number.isNaN(at.x[k]) && Math.abs(screenX(at.x[k]) - size.w / 2) < size.w * .45 && Math.abs(screenY(at.y[k]) - size.h / 2) < size.h * .45;
    if (!isNear && !Number.isNaN(at.x[k])) { view.x = at.x[k]; view.y = at.y[k]; }
    return choose(k, false);
  }
}
/** The view, the photo and the hidden reasons stand in the address, so that a link shows the same again. */
let remembering = 0, remembered = "";
function remember() { if (!remembering) remembering = setTimeout(() => {
  remembering = 0;
  const parts = ["map=" + Math.log2(view.scale / 256).toFixed(2) + "/" + latOf(view.y).toFixed(6) + "/" + lonOf(view.x).toFixed(6)];
  if (chosen >= 0) parts.push("photo=" + encodeURIComponent(pathOf(chosen)));
  if (filter.track >= 0) parts.push("sequence=" + filter.track);
  const hidden = reasons.filter((why, k) => filter.hidden[k]).map(why => why.word);
  if (hidden.length) parts.push("hide=" + hidden.join(","));
  if (!Number.isNaN(filter.least) || !Number.isNaN(filter.most)) parts.push("moved=" + (filter.least || 0) + "-" + (Number.isNaN(filter.most) ? "" : filter.most));
  remembered = "#" + parts.join("&");
  if (location.hash !== remembered) try { history.replaceState(null, "", remembered); } catch { /* some viewers of files forbid it */ }
}, 250); }
function recall() {
  const wanted = new Map(location.hash.slice(1).split("&").map(part => part.split("=", 2)));
  for (const word of (wanted.get("hide") || "").split(",")) { const box = document.querySelector("[data-reason='" + CSS.escape(word) + "']"); if (box && box.checked) box.click(); }
  if (wanted.has("moved")) { const [least, most] = wanted.get("moved").split("-"); setRange(Number(least) || 0, most ? Number(most) : Infinity); }
  const t = Number(wanted.get("sequence"));
  if (wanted.has("sequence") && Number.isInteger(t) && t >= 0 && t < sequences.length) chooseTrack(t);
  if (wanted.has("photo")) {
    let path = "";
    try { path = decodeURIComponent(wanted.get("photo")); } catch { /* a broken address names no photo */ }
    for (let k = 0; k < N; k++) if (pathOf(k) === path) { chosen = k; showEvidence(); break; }
  }
  const [z, lat, lon] = (wanted.get("map") || "").split("/").map(Number);
  if (![z, lat, lon].every(Number.isFinite) || !wanted.has("map")) return false;
  view.scale = Math.max(200, Math.min(2 ** 33, 256 * 2 ** z)); view.x = lon / 360 + .5; view.y = mercatorY(lat * 1e7); moved();
  return true;
}
const fingers = new Map();
let drag = null;
const spot = event => { const box = canvas.getBoundingClientRect(); return { x: event.clientX - box.left, y: event.clientY - box.top }; };
canvas.addEventListener("wheel", event => { event.preventDefault(); const { x, y } = spot(event); zoomAt(Math.exp(-event.deltaY * (event.deltaMode ? 16 : 1) / 350), x, y); }, { passive: false });
canvas.addEventListener("pointerdown", event => {
  canvas.setPointerCapture(event.pointerId); fingers.set(event.pointerId, spot(event));
  drag = { ...spot(event), moved: fingers.size > 1 }; canvas.classList.add("dragging");
});
canvas.addEventListener("pointermove", event => {
  const here = spot(event);
  byId("cursor").textContent = lonOf((here.x - size.w / 2) / view.scale + view.x).toFixed(6) + ", " + latOf((here.y - size.h / 2) / view.scale + view.y).toFixed(6);
  if (!drag || !fingers.has(event.pointerId)) return;
  const before = [...fingers.values()];
  if (fingers.size === 1) {
    const dx = here.x - drag.x, dy = here.y - drag.y;
    if (!drag.moved && Math.hypot(dx, dy) < 4) return;
    view.x -= dx / view.scale; view.y -= dy / view.scale; drag = { ...here, moved: true }; moved();
  }
  fingers.set(event.pointerId, here);
  if (before.length === 2) { // a pinch
    const after = [...fingers.values()], gap = ([a, b]) => Math.hypot(a.x - b.x, a.y - b.y), middle = ([a, b]) => ({ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 });
    const from = middle(before), to = middle(after);
    view.x -= (to.x - from.x) / view.scale; view.y -= (to.y - from.y) / view.scale; zoomAt(gap(after) / Math.max(gap(before), 1), to.x, to.y);
  }
});
const lift = event => {
  if (drag && !drag.moved && event.type === "pointerup") {
    const { x, y } = spot(event), k = photoAt(x, y, event.pointerType === "touch" ? 24 : 14);
    choose(k, false);
  }
  fingers.delete(event.pointerId); drag = fingers.size ? { ...[...fingers.values()][0], moved: true } : null; canvas.classList.remove("dragging");
};
canvas.addEventListener("pointerup", lift); canvas.addEventListener("pointercancel", lift);
canvas.addEventListener("dblclick", event => { const { x, y } = spot(event); zoomAt(2, x, y); });
canvas.addEventListener("pointerleave", () => { byId("cursor").textContent = ""; });
const pan = (dx, dy) => { view.x += dx / view.scale; view.y += dy / view.scale; moved(); };
const KEYS = [
  [["ArrowLeft"], "←", "pan west", () => pan(-70, 0)], [["ArrowRight"], "→", "pan east", () => pan(70, 0)], [["ArrowUp"], "↑", "pan north", () => pan(0, -70)], [["ArrowDown"], "↓", "pan south", () => pan(0, 70)],
  [["+", "="], "+", "zoom in", () => zoomAt(1.5, size.w / 2, size.h / 2)], [["-", "−"], "−", "zoom out", () => zoomAt(1 / 1.5, size.w / 2, size.h / 2)],
  [["0", "Home"], "0", "show all", () => frameRows(k => visible[k])],
  [["n", "j"], "n", "next photo", () => step(1)], [["p", "k"], "p", "previous photo", () => step(-1)],
  [["z"], "z", "zoom to the photo", () => chosen >= 0 && frameRows(k => k === chosen)], [["t"], "t", "zoom to its track", () => chosen >= 0 && track[chosen] >= 0 && frameRows(k => track[k] === track[chosen])],
  [["Enter", "o"], "o", "open the image on mapillary.com", () => { const link = document.querySelector("#evidence a"); if (link) link.click(); }],
  [["Escape"], "Esc", "let go", () => { choose(-1); if (filter.track >= 0) chooseTrack(-1); }],
];
canvas.addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const known = KEYS.find(([names]) => names.includes(event.key));
  if (known) { event.preventDefault(); known[3](); }
});
addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input")) return;
  if (event.key === "/") { event.preventDefault(); byId("query").focus(); }
  if (event.key === "?") byId("keys").showModal();
});
byId("zoom-in").addEventListener("click", () => zoomAt(1.6, size.w / 2, size.h / 2));
byId("zoom-out").addEventListener("click", () => zoomAt(1 / 1.6, size.w / 2, size.h / 2));
byId("zoom-all").addEventListener("click", () => frameRows(k => visible[k]));
byId("help").addEventListener("click", () => byId("keys").showModal());
document.querySelector("#keys table").append(...KEYS.map(([, sign, text]) => el("tr", {}, el("td", {}, el("kbd", {}, sign)), el("td", {}, text))),
  ...[["/", "search"], ["?", "this list"]].map(([sign, text]) => el("tr", {}, el("td", {}, el("kbd", {}, sign)), el("td", {}, text))));
let waiting = 0;
byId("query").addEventListener("input", event => { clearTimeout(waiting); waiting = setTimeout(() => search(event.target.value), 120); });
byId("search").addEventListener("submit", event => { event.preventDefault(); const hits = search(byId("query").value); if (hits.length) { byId("hits").hidden = true; choose(hits[0], true); } });
byId("search").addEventListener("keydown", event => {
  const buttons = [...byId("hits").querySelectorAll("button")], here = buttons.indexOf(document.activeElement);
  if (event.key === "Escape") { byId("hits").hidden = true; canvas.focus(); }
  if (event.key === "ArrowDown" && buttons.length) { event.preventDefault(); buttons[Math.min(here + 1, buttons.length - 1)].focus(); }
  if (event.key === "ArrowUp" && here >= 0) { event.preventDefault(); (here ? buttons[here - 1] : byId("query")).focus(); }
});
addEventListener("pointerdown", event => { if (!event.target.closest("#search")) byId("hits").hidden = true; });
new ResizeObserver(draw).observe(canvas);
addEventListener("hashchange", () => { if (location.hash !== remembered) recall(); });
const dark = matchMedia("(prefers-color-scheme: dark)"), again = () => { readColours(); draw(); };
dark.addEventListener("change", again);
/** The map is drawn in the size that it has on paper, and shows there what it shows here. */
function printed(isPrinted) {
  const before = { ...size };
  byId("map").parentElement.classList.toggle("printed", isPrinted);
  readColours(); resize(); view.scale *= Math.min(size.w / before.w, size.h / before.h); paint();
}
addEventListener("beforeprint", () => printed(true)); addEventListener("afterprint", () => printed(false));
readColours(); startTiles(); showTotals(); showFilters(); filtered(); showEvidence();
if (!recall()) frameRows(() => true);
paint(); performance.mark("painted"); // the map is there before the lists are
requestAnimationFrame(() => { showSequences(); showHistogram(); showReliability(); showSigns(); performance.mark("complete"); });
})();
