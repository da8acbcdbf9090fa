
// Filters, sequences, the histogram of shifts, the reliability of the probabilities, search.
const byId = id => document.getElementById(id);
const count = n => n.toLocaleString("en").replaceAll(",", " "); // a thin space parts the thousands
function showTotals() {
  const parts = head.statuses.filter(word => head.counts.status[word]).map(word => [el("b", {}, count(head.counts.status[word])), " " + word]);
  byId("totals").replaceChildren(el("b", {}, count(head.counts.files)), " files: ", ...parts.flatMap((part, k) => k ? [", ", ...part] : part));
  const notice = text => byId("show").before(el("p", { class: "notice" }, text));
  if (head.thinned_to_every > 1) notice("The page shows every " + head.thinned_to_every + "th photo, to stay small; counts of all of them stand above, rows of all in matches.csv.");
  if (head.redacted) notice("Redacted: names and ids are pseudonyms, coordinates are rounded to 0.01°, times are moved. Distances and differences are true.");
  if (head.basemap) { byId("credit").textContent = head.basemap.credit; notice("This page was made with --basemap: it loads map tiles from " + head.basemap.host + ", which learns where you look."); }
}
function showFilters() {
  const box = byId("filters");
  head.statuses.forEach((word, number) => {
    const present = reasons.map((why, k) => k).filter(k => reasons[k].status === number && head.counts.reason[word] && head.counts.reason[word][reasons[k].word]);
    if (!present.length) return;
    const whole = el("input", { type: "checkbox", checked: true, "data-status": word });
    const parts = present.map(k => {
      const part = el("input", { type: "checkbox", checked: true, "data-reason": reasons[k].word });
      part.addEventListener("change", () => { filter.hidden[k] = !part.checked; sync(); filtered(); });
      return [k, part];
    });
    const sync = () => { const on = parts.filter(([, part]) => part.checked).length; whole.checked = on > 0; whole.indeterminate = on > 0 && on < parts.length; };
    whole.addEventListener("change", () => { for (const [k, part] of parts) { part.checked = whole.checked; filter.hidden[k] = !whole.checked; } sync(); filtered(); });
    const lines = parts.map(([k, part]) => el("label", { title: reasons[k].meaning }, part, reasons[k].word, el("span", { class: "n" }, count(head.counts.reason[word][reasons[k].word]))));
    box.append(el("label", {}, whole, signOf(number), el("b", {}, word), el("span", { class: "n" }, count(head.counts.status[word]))), el("div", { class: "reasons" }, ...lines));
    resets.push(() => { for (const [k, part] of parts) { part.checked = true; filter.hidden[k] = 0; } sync(); });
  });
  const number = (label, name) => {
    const input = el("input", { type: "number", min: 0, step: "any", inputmode: "decimal", id: name, "aria-label": label });
    input.addEventListener("input", () => { filter[name] = input.value === "" ? NaN : Number(input.value); filtered(); });
    resets.push(() => { input.value = ""; filter[name] = NaN; });
    return input;
  };
  byId("shift-filter").append(el("div", { class: "range" }, "Moved by", number("Moved by at least, metres", "least"), "to", number("Moved by at most, metres", "most"), "m"));
  byId("all").addEventListener("click", () => { resets.forEach(reset => reset()); chooseTrack(-1); });
}
const resets = [];
function filtered() {
  const n = applyFilter();
  byId("shown").textContent = n === N ? "all " + count(N) : count(n) + " of " + count(N);
  draw(); remember();
}
function setRange(least, most) {
  byId("least").value = least; byId("most").value = Number.isFinite(most) ? most : ""; filter.least = least; filter.most = Number.isFinite(most) ? most : NaN; filtered();
}
const MOST_LISTED = 300;
let verdict = "";
function showSequences() {
  const verdicts = Object.entries(head.counts.sequences);
  byId("n-sequences").textContent = count(sequences.length);
  byId("verdicts").replaceChildren(...(verdicts.length > 1 ? verdicts.map(([word, n]) => el("button", { type: "button", "aria-pressed": String(word === verdict), on: { click: () => { verdict = verdict === word ? "" : word; showSequences(); } } }, word.replaceAll("_", " ") + " " + count(n))) : []));
  const list = sequences.map((sequence, t) => t).filter(t => !verdict || sequences[t][SEQ.VERDICT] === verdict);
  const items = list.slice(0, MOST_LISTED).map(t => {
    const s = sequences[t];
    const clock = s[SEQ.OFFSET] === null ? "" : "clock " + clockWords(s[SEQ.OFFSET]) + (s[SEQ.CLOCK] === "none_needed" ? "" : ", " + s[SEQ.CLOCK]) + (s[SEQ.DRIFT] ? " " + s[SEQ.DRIFT] + " ppm" : "");
    const moved = s[SEQ.MEDIAN] ? "moved " + s[SEQ.MEDIAN] + " m (median)" : "";
    const detail = [clock, moved, s[SEQ.KEYS].replaceAll("|", " ")].filter(Boolean).join(" · ");
    return el("li", {}, el("button", { type: "button", "data-track": t, "aria-pressed": String(t === filter.track), on: { click: () => { chooseTrack(filter.track === t ? -1 : t, true); } } },
      el("span", {}, foreign(s[SEQ.NAME]), el("span", { class: "faint" }, " · " + count(s[SEQ.IMAGES]) + " files")), el("span", { class: "word" }, s[SEQ.VERDICT].replaceAll("_", " ")), detail ? el("small", {}, foreign(detail)) : null));
  });
  if (list.length > MOST_LISTED) items.push(el("li", { class: "faint" }, count(list.length - MOST_LISTED) + " more: search for one by its name."));
  byId("sequences").replaceChildren(...items);
}
/** Shows one local sequence alone, or all (-1). */
function chooseTrack(t, fit) {
  filter.track = t;
  for (const button of document.querySelectorAll("#sequences button")) button.setAttribute("aria-pressed", String(Number(button.dataset.track) === t));
  filtered();
  if (fit) frameRows(k => t < 0 || track[k] === t);
}
const EDGES_M = [0, .1, .25, .5, 1, 2, 5, 10, 25, 50, Infinity];
function bars(rows) {
  const most = Math.max(1, ...rows.map(row => row.n));
  return el("div", { class: "bars" }, ...rows.flatMap(row => {
    const bar = el("div", { class: "bar " + (row.kind || "") }); bar.hidden = !row.n; bar.style.width = (row.n ? Math.max(100 * row.n / most, .5) : 0).toFixed(2) + "%"; // set by script: the page's policy takes no style attributes
    return [row.act ? el("button", { type: "button", title: "Show these alone", on: { click: row.act } }, row.name) : el("span", {}, row.name), bar, el("span", {}, row.text || count(row.n))];
  }));
}
function showHistogram() {
  const known = shift.filter(m => !Number.isNaN(m)).sort();
  const box = byId("histogram");
  if (!known.length) { box.replaceChildren(el("p", { class: "faint" }, "No matched image has a computed place.")); return; }
  const rows = EDGES_M.slice(0, -1).map((least, k) => {
    const most = EDGES_M[k + 1];
    const n = known.reduce((n, cm) => n + (cm >= least * 100 && cm < most * 100), 0);
    return { n, name: Number.isFinite(most) ? least + "–" + most + " m" : "over " + least + " m", act: () => setRange(least, Number.isFinite(most) ? most - .01 : Infinity) };
  });
  while (rows.length > 1 && !rows[rows.length - 1].n) rows.pop();
  const middle = known.length % 2 ? known[known.length >> 1] : (known[known.length / 2 - 1] + known[known.length / 2]) / 2;
  box.replaceChildren(bars(rows), el("p", { class: "faint" }, count(known.length) + " matched images with both places: median " + (middle / 100).toFixed(2) + " m, farthest " + metres(known[known.length - 1]) + ". Click a range to see it alone."));
}
const LEAST_TESTED = 30;
const P_EDGES = [0, .05, .25, .5, .75, .9, .99, .999, 1.0001];
function showReliability() {
  let wrong = 0, matched = 0, open = 0, best = 0;
  const rows = P_EDGES.slice(0, -1).map((least, k) => ({ n: 0, sum: 0, tested: 0, held: 0, kind: least >= .9 ? "p" : "p open", name: k === P_EDGES.length - 2 ? "0.999–1" : least + "–" + P_EDGES[k + 1] }));
  for (let k = 0; k < N; k++) {
    if (Number.isNaN(p[k]) || status[k] > 1 || (notes.get(k) || "").startsWith("decided by a person")) continue;
    const value = p[k] / 1e4;
    if (status[k] === 0) { matched++; wrong += 1 - value; } else { open++; best += value; }
    let row = 0;
    while (value >= P_EDGES[row + 1]) row++;
    rows[row].n++; rows[row].sum += value;
  }
  if (matched + open === 0) { byId("reliability").replaceChildren(el("p", { class: "faint" }, "No photo has a candidate.")); return; }
  for (const [n, said, share] of head.measured) { let row = 0; while (said >= P_EDGES[row + 1]) row++; rows[row].tested += n; rows[row].held += n * share; }
  for (const row of rows) {
    row.text = row.n ? count(row.n) + " → " + row.sum.toFixed(row.sum < 100 ? 1 : 0) : "0";
    if (row.n && row.tested >= LEAST_TESTED) row.text += " · held " + (100 * row.held / row.tested).toFixed(row.held < row.tested && row.held > .999 * row.tested ? 2 : 1) + " %";
  }
  const tested = rows.reduce((n, row) => n + row.tested, 0);
  byId("reliability").replaceChildren(
    el("p", {}, "A probability is meant as a frequency: of the " + count(matched) + " matches, " + (wrong < .05 ? "hardly any" : "about " + wrong.toFixed(1)) + " should be wrong" + (open ? "; of the " + count(open) + " ambiguous photos, about " + best.toFixed(1) + " have their best candidate right" : "") + "."),
    bars(rows), el("p", { class: "faint" }, "Photos by the stated probability of their best candidate → how many of them should be right. “Held” is the share that was true of photos with such a probability in Tiepoint's own tests, where the truth is known (" + count(tested) + " photos of synthetic cities; shown where there were at least " + LEAST_TESTED + ")."));
}
function showSigns() {
  const line = (svg, text) => el("div", {}, svg, text);
  const sketch = marks => { const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg"); svg.setAttribute("width", 40); svg.setAttribute("height", 14); svg.setAttribute("aria-hidden", "true");
    for (const [name, attributes] of marks) { const mark = document.createElementNS("http://www.w3.org/2000/svg", name); for (const [k, v] of Object.entries(attributes)) mark.setAttribute(k, v); svg.append(mark); } return svg; };
  byId("signs").replaceChildren(
    ...["matched: tied to one image", "ambiguous: candidates, none sure", "unmatched: no candidate", "rejected: cannot have been uploaded", "unreadable: no photo"].map((text, k) => line(signOf(k), text)),
    line(sketch([["path", { d: "M2 11L28 4", stroke: "var(--ink)", "stroke-width": 1.4 }], ["rect", { x: 28, y: 1, width: 6, height: 6, fill: "var(--paper)", stroke: "var(--ink)", "stroke-width": 1.4 }]]), "local place → published place"),
    line(sketch([["path", { d: "M2 11L34 4M29 2.3L34 4L30.5 8", stroke: "var(--moved)", "stroke-width": 1.6, fill: "none" }]]), "published place → computed place"),
    line(sketch([["path", { d: "M2 9L38 5", stroke: "var(--track)", "stroke-width": 1.4 }]]), "order of capture in one local sequence"),
    line(sketch([["path", { d: "M2 9L38 5", stroke: "var(--ambiguous)", "stroke-width": 1.5, "stroke-dasharray": "4 3" }]]), "candidates of the chosen photo"));
}
function search(text) {
  const query = text.trim().toLowerCase(), box = byId("hits");
  if (!query) { box.hidden = true; return []; }
  const hits = [], isNumber = /^[0-9]{4,}$/.test(query);
  const tracks = sequences.map((s, t) => t).filter(t => String(sequences[t][SEQ.NAME]).toLowerCase() === query || sequences[t][SEQ.KEYS].toLowerCase().includes(query)).slice(0, 5);
  const holds = k => pathOf(k).toLowerCase().includes(query) || (isNumber && (ids[k].startsWith(query) || (also.get(k) || "").includes(query) || (candidates.get(k) || []).some(([id]) => id.startsWith(query))));
  for (let k = 0; k < N && hits.length < 50; k++) if (holds(k)) hits.push(k);
  const items = [
    ...tracks.map(t => el("li", {}, el("button", { type: "button", on: { click: () => { box.hidden = true; chooseTrack(t, true); } } }, "Sequence ", foreign(String(sequences[t][SEQ.NAME])), el("small", {}, " " + sequences[t][SEQ.VERDICT])))),
    ...hits.map(k => el("li", {}, el("button", { type: "button", on: { click: () => { box.hidden = true; choose(k, true); } } }, foreign(pathOf(k)), el("small", {}, " " + head.statuses[status[k]] + (ids[k] ? " · " + ids[k] : ""))))),
  ];
  box.replaceChildren(...(items.length ? items : [el("li", { class: "faint" }, "Nothing holds that.")])); box.hidden = false;
  return hits;
}
