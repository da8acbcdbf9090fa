
// The story of one photo, as text: foreign words never become markup.
function el(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key === "on") for (const [event, act] of Object.entries(value)) made.addEventListener(event, act);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children.filter(child => child !== null && child !== undefined));
  return made;
}
/** Somebody's words: kept apart from ours whichever way they are written. */
const foreign = text => el("bdi", { dir: "auto" }, text);
/** The sign of a status, for lists. */
function signOf(status) {
  const shapes = [
    ["circle", { cx: 7, cy: 7, r: 5, fill: "var(--matched)" }], ["path", { d: "M7 1.5 13 12.5H1z", fill: "var(--ambiguous)" }],
    ["path", { d: "M2.5 2.5l9 9M11.5 2.5l-9 9", stroke: "var(--unmatched)", "stroke-width": 2.6, "stroke-linecap": "round", fill: "none" }],
    ["path", { d: "M7 1.5 12.5 7 7 12.5 1.5 7z", stroke: "var(--rejected)", "stroke-width": 1.8, fill: "none" }],
    ["rect", { x: 2.5, y: 2.5, width: 9, height: 9, stroke: "var(--unreadable)", "stroke-width": 1.8, fill: "none" }],
  ];
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg"), [name, attributes] = shapes[status];
  svg.setAttribute("viewBox", "0 0 14 14"); svg.setAttribute("class", "sign"); svg.setAttribute("aria-hidden", "true");
  const shape = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) shape.setAttribute(key, value);
  svg.append(shape);
  return svg;
}
const isId = id => /^[0-9]{1,20}$/.test(id);
function linkTo(id, text) {
  return isId(id) && !head.redacted ? el("a", { href: "https://www.mapillary.com/app/?pKey=" + id, target: "_blank", rel: "noopener noreferrer" }, text || id) : el("span", {}, id);
}
const fixed = (value, digits) => (value / 10 ** digits).toFixed(digits);
const metres = cm => fixed(cm, 2) + " m";
const degrees = d7 => fixed(d7, 7);
const isoTime = (ms, isWall) => new Date(ms).toISOString().replace("T", " ").replace("Z", isWall ? "" : " UTC");
const signed = text => text.startsWith("-") ? "−" + text.slice(1) : "+" + text;
function clockWords(ms) {
  if (ms === 0) return "none needed";
  const seconds = ms / 1000, whole = Math.abs(ms) % 900000 === 0 ? " (" + signed((ms / 3600000).toFixed(2).replace(/\.?0+$/, "")) + " h)" : "";
  return signed(seconds.toFixed(3).replace(/\.?0+$/, "")) + " s" + whole;
}
const WINDS = ["north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west"];
function showEvidence() {
  const box = document.getElementById("evidence");
  if (chosen < 0) {
    box.replaceChildren(el("p", { class: "faint" }, "Click a photo on the map, or search for a file name or an image id. With the map in focus, n and p step through the photos."));
    return;
  }
  const k = chosen, why = reasons[reason[k]], rows = [];
  const row = (name, ...value) => rows.push(el("dt", {}, name), el("dd", {}, ...value));
  if (!Number.isNaN(time[k])) row("Time", isoTime(time[k], wall[k]) + (wall[k] ? " (wall clock)" : ""));
  row("Place", Number.isNaN(lon[k]) ? "none" : degrees(lon[k]) + ", " + degrees(lat[k]) + (Number.isNaN(altitude[k]) ? "" : ", " + fixed(altitude[k], 3).replace(/\.?0+$/, "") + " m high"));
  if (track[k] >= 0) row("Sequence", foreign(String(sequences[track[k]][SEQ.NAME])));
  if (status[k] === 0) {
    row("Image", linkTo(ids[k], ids[k] + (head.redacted ? "" : " ↗")));
    if (raw.keys[key[k]]) row("In", foreign(raw.keys[key[k]]));
    if (!Number.isNaN(p[k])) row("Probability", fixed(p[k], 4));
    if (!Number.isNaN(offset[k])) row("Clock", clockWords(offset[k]));
    if (!Number.isNaN(dt[k])) row("Time left", signed(String(dt[k])) + " ms after the clock is set right");
    if (!Number.isNaN(distance[k])) row("Distance", metres(distance[k]) + (why.word === "adjusted" ? " to the computed place" : ""));
    if (!Number.isNaN(climb[k])) row("Altitude", signed(fixed(climb[k], 2)) + " m");
    if (!Number.isNaN(turn[k])) row("Heading", signed(fixed(turn[k], 2)) + "°");
    if (!Number.isNaN(shift[k])) row("Moved by", metres(shift[k]) + (Number.isNaN(bearing[k]) ? "" : " to the " + WINDS[Math.round(bearing[k] / 4500) % 8] + " (" + fixed(bearing[k], 2) + "°)"));
    if (also.has(k)) row("Also as", ...also.get(k).split("|").flatMap((id, n) => [n ? ", " : "", linkTo(id)]));
  }
  if (notes.has(k)) row("Note", foreign(notes.get(k)));
  const list = candidates.get(k) || [];
  const table = list.length ? el("table", {}, el("tr", {}, el("th", {}, status[k] === 0 ? "Rivals" : "Candidates"), el("th", {}, "probability"), el("th", {}, "away")),
    ...list.map(([id, p, away], place) => el("tr", {}, el("td", {}, place + 1 + ". ", linkTo(id)), el("td", {}, p), el("td", {}, away === null ? "" : away.toFixed(2) + " m")))) : null;
  box.replaceChildren(
    el("p", { class: "path" }, foreign(pathOf(k))),
    el("p", { class: "verdict" }, signOf(status[k]), head.statuses[status[k]] + " · " + why.word),
    el("p", {}, why.meaning[0].toUpperCase() + why.meaning.slice(1) + "."),
    el("dl", {}, ...rows), ...(table ? [table] : []),
    el("p", { class: "faint" }, why.next),
    el("div", { class: "steps" },
      el("button", { type: "button", on: { click: () => frameRows(other => other === chosen) } }, "Zoom to photo"),
      el("button", { type: "button", disabled: track[k] < 0, on: { click: () => frameRows(other => track[other] === track[chosen]) } }, "Zoom to track"),
      el("button", { type: "button", on: { click: () => step(-1) } }, "◂ Previous"), el("button", { type: "button", on: { click: () => step(1) } }, "Next ▸")));
}
