
(() => {
"use strict";
// The report's columns as arrays: places as Mercator units (0…1), figures as the whole numbers of the tables.
const data = JSON.parse(document.getElementById("data").textContent);
const { head, sequences, photos: raw } = data;
const N = raw.name.length;
const reasons = head.reasons.map(([word, status, meaning, next]) => ({ word, status: head.statuses.indexOf(status), meaning, next }));
const SEQ = { NAME: 0, IMAGES: 1, VERDICT: 2, OFFSET: 3, CLOCK: 4, DRIFT: 5, KEYS: 6, MEDIAN: 7, MAX: 8, NOTE: 9 };

function unrun(runs, n) {
  const out = new Int32Array(n);
  for (let at = 0, k = 0; k < runs.length; k += 2) { out.fill(runs[k], at, at + runs[k + 1]); at += runs[k + 1]; }
  return out;
}
/** Differences to the last known value; NaN where there is none. */
function unstep(steps) {
  const out = new Float64Array(steps.length);
  for (let k = 0, last = 0; k < steps.length; k++) out[k] = steps[k] === null ? NaN : (last += steps[k]);
  return out;
}
const column = values => Float64Array.from(values, value => value === null ? NaN : value);
/** A column of the matched photos, spread over all. */
function spread(values) {
  const out = new Float64Array(N).fill(NaN);
  for (let k = 0, m = 0; k < N; k++) if (status[k] === 0) { const value = values[m++]; out[k] = value === null ? NaN : value; }
  return out;
}

const SIGNS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const reason = new Uint8Array(N), status = new Uint8Array(N);
{ const place = new Map([...SIGNS].map((sign, k) => [sign, k]));
  for (let k = 0; k < N; k++) { reason[k] = place.get(raw.reason[k]); status[k] = reasons[reason[k]].status; } }
const folder = unrun(raw.folder, N), track = unrun(raw.track, N), wall = unrun(raw.wall, N);
const lon = unstep(raw.lon), lat = unstep(raw.lat), time = unstep(raw.time), p = column(raw.p), altitude = column(raw.altitude);
const dt = spread(raw.dt), distance = spread(raw.distance), climb = spread(raw.climb), turn = spread(raw.turn), shift = spread(raw.shift), bearing = spread(raw.bearing);
const offset = spread(unstep(raw.offset)), key = spread(unrun(raw.key, raw.id.length));
const rlon = spread(raw.rlon), rlat = spread(raw.rlat), clon = spread(raw.clon), clat = spread(raw.clat);
const ids = new Array(N).fill("");
for (let k = 0, m = 0; k < N; k++) {
  rlon[k] += lon[k]; rlat[k] += lat[k];
  clon[k] += Number.isNaN(rlon[k]) ? lon[k] : rlon[k]; clat[k] += Number.isNaN(rlat[k]) ? lat[k] : rlat[k];
  if (status[k] === 0) ids[k] = raw.id[m++];
}
const also = new Map(raw.also), notes = new Map(raw.note), candidates = new Map(raw.candidates.map(([k, ...list]) => [k, list]));
const pathOf = k => (raw.folders[folder[k]] ? raw.folders[folder[k]] + "/" : "") + raw.name[k];

const mercatorX = lon7 => lon7 / 3.6e9 + .5;
const mercatorY = lat7 => .5 - Math.asinh(Math.tan(Math.max(-85.06, Math.min(85.06, lat7 / 1e7)) * Math.PI / 180)) / (2 * Math.PI);
const lonOf = x => (x - .5) * 360;
const latOf = y => Math.atan(Math.sinh((.5 - y) * 2 * Math.PI)) * 180 / Math.PI;
const at = { x: lon.map(mercatorX), y: lat.map(mercatorY), rx: rlon.map(mercatorX), ry: rlat.map(mercatorY), cx: clon.map(mercatorX), cy: clat.map(mercatorY) };
/** Rows of each local sequence: the files stand in its order. */
const rowsOf = sequences.map(() => [0, 0]);
for (let k = 0, start = 0; k <= N; k++) if (k > 0 && (k === N || track[k] !== track[k - 1])) { if (track[start] >= 0) rowsOf[track[start]] = [start, k]; start = k; }

/** What is shown: hidden reasons, the range of shifts, one sequence or all (-1), the chosen photo (-1 for none). */
const filter = { hidden: new Uint8Array(reasons.length), least: NaN, most: NaN, track: -1 };
const visible = new Uint8Array(N).fill(1);
let chosen = -1;
function applyFilter() {
  let n = 0;
  const hasRange = !Number.isNaN(filter.least) || !Number.isNaN(filter.most);
  const least = Number.isNaN(filter.least) ? 0 : filter.least * 100, most = Number.isNaN(filter.most) ? Infinity : filter.most * 100;
  for (let k = 0; k < N; k++) {
    const is = !filter.hidden[reason[k]] && (filter.track < 0 || track[k] === filter.track) && (!hasRange || (shift[k] >= least && shift[k] <= most));
    visible[k] = is; n += is;
  }
  return n;
}
