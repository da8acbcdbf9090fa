
// The map: Web Mercator on a canvas. At most one sign per small cell is drawn, so a hundred thousand photos pan smoothly.
const canvas = document.getElementById("map"), pen = canvas.getContext("2d");
const EARTH_M = 40075016.686;
/** Drawn last, so on top: what needs a look. */
const ORDER = [0, 3, 4, 2, 1];
const byStatus = head.statuses.map(() => []);
for (let k = 0; k < N; k++) if (!Number.isNaN(at.x[k])) byStatus[status[k]].push(k);
const view = { x: .5, y: .5, scale: 300 };
let size = { w: 0, h: 0, ratio: 1 }, queued = false, colours = {}, sprites = new Map(), taken = new Uint32Array(0), stamp = 0;
let tiles = null;

function readColours() {
  const style = getComputedStyle(document.documentElement);
  for (const name of ["paper", "ink", "faint", "sea", "grid", "focus", "track", "moved", "halo", ...head.statuses]) colours[name] = style.getPropertyValue("--" + name).trim();
  sprites = new Map();
}
/** The sign of a status around 0, 0: the shape says what the colour says. */
function signPath(pen, status, r) {
  pen.beginPath();
  if (status === 0) pen.arc(0, 0, r, 0, 7);
  else if (status === 1) { pen.moveTo(0, -1.25 * r); pen.lineTo(1.15 * r, .85 * r); pen.lineTo(-1.15 * r, .85 * r); pen.closePath(); }
  else if (status === 2) { const a = .95 * r; pen.moveTo(-a, -a); pen.lineTo(a, a); pen.moveTo(a, -a); pen.lineTo(-a, a); }
  else if (status === 3) { pen.moveTo(0, -1.2 * r); pen.lineTo(1.2 * r, 0); pen.lineTo(0, 1.2 * r); pen.lineTo(-1.2 * r, 0); pen.closePath(); }
  else pen.rect(-r * .8, -r * .8, r * 1.6, r * 1.6);
}
function drawSign(pen, status, r) {
  const colour = colours[head.statuses[status]];
  pen.lineJoin = "round"; pen.lineCap = "round";
  if (status === 2) { // a cross
    signPath(pen, status, r); pen.lineWidth = Math.max(3.4, r * .95); pen.strokeStyle = colours.halo; pen.stroke();
    pen.lineWidth = Math.max(1.6, r * .5); pen.strokeStyle = colour; pen.stroke();
  } else {
    signPath(pen, status, r);
    if (status >= 3) { pen.fillStyle = colours.paper; pen.fill(); pen.lineWidth = 1.5; pen.strokeStyle = colour; pen.stroke(); }
    else { pen.fillStyle = colour; pen.fill(); pen.lineWidth = .8; pen.strokeStyle = colours.halo; pen.stroke(); }
  }
}
function sprite(status, r) {
  const name = status * 1000 + r * 10;
  let made = sprites.get(name);
  if (!made) {
    const half = Math.ceil(r * 1.3 + 3);
    made = document.createElement("canvas"); made.width = made.height = half * 2 * size.ratio; made.half = half;
    const pen = made.getContext("2d");
    pen.scale(size.ratio, size.ratio); pen.translate(half, half); drawSign(pen, status, r); sprites.set(name, made);
  }
  return made;
}
const metresPerPixel = () => EARTH_M * Math.cos(latOf(view.y) * Math.PI / 180) / view.scale;
const screenX = x => (x - view.x) * view.scale + size.w / 2, screenY = y => (y - view.y) * view.scale + size.h / 2;
function draw() { if (!queued) { queued = true; requestAnimationFrame(paint); } }
function resize() {
  const box = canvas.getBoundingClientRect(), ratio = Math.min(devicePixelRatio || 1, 3);
  if (box.width === size.w && box.height === size.h && ratio === size.ratio) return;
  size = { w: box.width, h: box.height, ratio }; canvas.width = Math.round(box.width * ratio); canvas.height = Math.round(box.height * ratio); sprites = new Map();
}
function paint() {
  queued = false; resize();
  const { w, h, ratio } = size;
  if (!w || !h) return;
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.fillStyle = colours.sea; pen.fillRect(0, 0, w, h);
  if (tiles) tiles.paint();
  paintGrid();
  const x0 = view.x - (w / 2 + 60) / view.scale, x1 = view.x + (w / 2 + 60) / view.scale, y0 = view.y - (h / 2 + 60) / view.scale, y1 = view.y + (h / 2 + 60) / view.scale;
  paintTracks(x0, x1, y0, y1);
  const mpp = metresPerPixel(), r = mpp > 12 ? 2.6 : mpp > 1.5 ? 3.4 : mpp > .3 ? 4.6 : 5.6;
  const step = r < 3 ? 2.5 : r < 4 ? 3 : 2, columns = Math.ceil(w / step) + 60, cells = columns * (Math.ceil(h / step) + 60);
  if (taken.length < cells) taken = new Uint32Array(cells);
  stamp++;
  const shown = [];
  for (let o = ORDER.length - 1; o >= 0; o--) {
    const list = [];
    for (const k of byStatus[ORDER[o]]) {
      const x = at.x[k], y = at.y[k];
      if (!visible[k] || x < x0 || x > x1 || y < y0 || y > y1) continue;
      const cell = (screenY(y) / step + 26 | 0) * columns + (screenX(x) / step + 26 | 0);
      if (taken[cell] === stamp) continue;
      taken[cell] = stamp; list.push(k);
    }
    shown.push([ORDER[o], list]);
  }
  paintLines(shown, mpp);
  for (const [status, list] of shown.reverse()) {
    const image = sprite(status, r), half = image.half;
    for (const k of list) pen.drawImage(image, screenX(at.x[k]) - half, screenY(at.y[k]) - half, half * 2, half * 2);
  }
  paintChosen(r);
  paintFoot(mpp);
}
/** The order of capture, as thin lines; points within two pixels of the last are passed over. */
function paintTracks(x0, x1, y0, y1) {
  pen.lineWidth = 1.2; pen.strokeStyle = colours.track; pen.beginPath();
  for (let t = 0; t < rowsOf.length; t++) {
    if (filter.track >= 0 && filter.track !== t) continue;
    const [start, end] = rowsOf[t];
    let lastX = NaN, lastY = NaN, lastIn = false;
    for (let k = start; k < end; k++) {
      const x = at.x[k], y = at.y[k];
      if (Number.isNaN(x) || !visible[k] || reasons[reason[k]].word === "null_island") continue;
      const sx = screenX(x), sy = screenY(y), inside = x >= x0 && x <= x1 && y >= y0 && y <= y1;
      if (Math.abs(sx - lastX) + Math.abs(sy - lastY) < 2) continue;
      if (!Number.isNaN(lastX) && (inside || lastIn) && Math.abs(sx - lastX) < view.scale / 2) { pen.moveTo(lastX, lastY); pen.lineTo(sx, sy); }
      lastX = sx; lastY = sy; lastIn = inside;
    }
  }
  pen.stroke();
}
/** Local → published (plain) → computed (with a head), where they lie apart on the screen. */
function paintLines(shown, mpp) {
  const matched = shown.find(([status]) => status === 0)[1];
  const published = [], computed = [];
  const line = (fromX, fromY, toX, toY) => { pen.moveTo(fromX, fromY); pen.lineTo(toX, toY); };
  pen.lineWidth = 1.4; pen.strokeStyle = colours.ink; pen.beginPath();
  for (const k of matched) {
    const x = screenX(at.rx[k]), y = screenY(at.ry[k]), fx = screenX(at.x[k]), fy = screenY(at.y[k]);
    if (Math.abs(x - fx) + Math.abs(y - fy) > 2.5) { line(fx, fy, x, y); published.push(x, y); }
  }
  pen.stroke();
  pen.strokeStyle = colours.moved; pen.lineWidth = 1.6; pen.beginPath();
  for (const k of matched) {
    const has = !Number.isNaN(at.rx[k]);
    const fx = screenX(has ? at.rx[k] : at.x[k]), fy = screenY(has ? at.ry[k] : at.y[k]), x = screenX(at.cx[k]), y = screenY(at.cy[k]);
    const far = Math.hypot(x - fx, y - fy);
    if (!(far > 2.5)) continue;
    line(fx, fy, x, y);
    if (far > 9) {
      const ux = (x - fx) / far * 5, uy = (y - fy) / far * 5;
      pen.moveTo(x - ux - uy * .6, y - uy + ux * .6); pen.lineTo(x, y); pen.lineTo(x - ux + uy * .6, y - uy - ux * .6);
    }
    if (mpp < .6) computed.push(x, y);
  }
  pen.stroke();
  if (mpp < .6) {
    pen.lineWidth = 1.4; pen.strokeStyle = colours.ink; pen.fillStyle = colours.paper;
    for (let k = 0; k < published.length; k += 2) { pen.beginPath(); pen.rect(published[k] - 3, published[k + 1] - 3, 6, 6); pen.fill(); pen.stroke(); }
    pen.fillStyle = colours.moved;
    for (let k = 0; k < computed.length; k += 2) { pen.beginPath(); pen.arc(computed[k], computed[k + 1], 2.4, 0, 7); pen.fill(); }
  }
}
function paintChosen(r) {
  if (chosen < 0 || Number.isNaN(at.x[chosen])) return;
  const x = screenX(at.x[chosen]), y = screenY(at.y[chosen]);
  pen.setLineDash([4, 3]); pen.strokeStyle = colours.ambiguous; pen.lineWidth = 1.5; pen.beginPath();
  const list = status[chosen] === 0 ? [] : candidates.get(chosen) || [];
  for (const [, , , clon, clat] of list) if (clon !== null) { pen.moveTo(x, y); pen.lineTo(screenX(mercatorX(clon)), screenY(mercatorY(clat))); }
  pen.stroke(); pen.setLineDash([]);
  pen.fillStyle = colours.paper;
  list.forEach(([, , , clon, clat], place) => {
    if (clon === null) return;
    const cx = screenX(mercatorX(clon)), cy = screenY(mercatorY(clat));
    pen.beginPath(); pen.rect(cx - 4, cy - 4, 8, 8); pen.fillStyle = colours.paper; pen.fill(); pen.stroke();
    label(String(place + 1), cx + 8, cy + 4);
  });
  const image = sprite(status[chosen], r + 1.5);
  pen.drawImage(image, x - image.half, y - image.half, image.half * 2, image.half * 2);
  pen.beginPath(); pen.arc(x, y, r + 7, 0, 7); pen.lineWidth = 5; pen.strokeStyle = colours.halo; pen.stroke(); pen.lineWidth = 2.5; pen.strokeStyle = colours.focus; pen.stroke();
}
function label(text, x, y) {
  pen.font = "11px system-ui, sans-serif"; pen.lineWidth = 3; pen.strokeStyle = colours.halo; pen.strokeText(text, x, y); pen.fillStyle = colours.ink; pen.fillText(text, x, y);
}
/** Meridians and parallels at round degrees, with their numbers at the edge. */
function paintGrid() {
  const { w, h } = size, span = w / view.scale * 360, nice = [60, 30, 15, 10, 5, 2, 1, .5, .2, .1, .05, .02, .01, .005, .002, .001, .0005, .0002, .0001, .00005, .00002, .00001, .000005];
  const step = nice.find(s => span / s >= 4) || nice[nice.length - 1], digits = Math.max(0, Math.ceil(-Math.log10(step) - 1e-9));
  const left = lonOf(view.x - w / 2 / view.scale), right = lonOf(view.x + w / 2 / view.scale), top = latOf(view.y - h / 2 / view.scale), bottom = latOf(view.y + h / 2 / view.scale);
  pen.lineWidth = 1; pen.strokeStyle = colours.grid; pen.beginPath();
  const labels = [];
  for (let k = Math.ceil(Math.max(-180, left) / step); k * step <= Math.min(180, right); k++) {
    const x = Math.round(screenX(k * step / 360 + .5)) + .5;
    pen.moveTo(x, 0); pen.lineTo(x, h); labels.push([(k * step).toFixed(digits) + "°", x + 3, 12]);
  }
  for (let k = Math.ceil(Math.max(-85, bottom) / step); k * step <= Math.min(85, top); k++) {
    const y = Math.round(screenY(mercatorY(k * step * 1e7))) + .5;
    pen.moveTo(0, y); pen.lineTo(w, y); if (y > 24) labels.push([(k * step).toFixed(digits) + "°", w - 4, y - 3, "right"]);
  }
  pen.stroke(); pen.font = "10px system-ui, sans-serif"; pen.fillStyle = colours.faint;
  for (const [text, x, y, align] of labels) { pen.textAlign = align || "left"; if (x > 60) pen.fillText(text, x, y); }
  pen.textAlign = "left";
}
function paintFoot(mpp) {
  const most = Math.min(160, size.w / 3) * mpp, unit = 10 ** Math.floor(Math.log10(most)), length = [5, 2, 1].find(f => f * unit <= most) * unit;
  const bar = document.querySelector("#scale i"), text = document.querySelector("#scale b");
  bar.style.width = (length / mpp).toFixed(1) + "px";
  text.textContent = length >= 1000 ? length / 1000 + " km" : length >= 1 ? length + " m" : Math.round(length * 100) + " cm";
}
/** Shows a box of Mercator units. */
function frame(x0, y0, x1, y1) {
  resize();
  view.x = (x0 + x1) / 2; view.y = (y0 + y1) / 2;
  const least = 60 / EARTH_M; // never closer than some 60 m
  view.scale = Math.min(.86 * Math.min(size.w / Math.max(x1 - x0, least), size.h / Math.max(y1 - y0, least)), 2 ** 33); moved();
}
/** Shows all rows that a test takes; a receiver without a fix does not stretch the map to 0°, 0°. */
function frameRows(test) {
  let x0 = 2, y0 = 2, x1 = -1, y1 = -1;
  const grow = sound => { for (let k = 0; k < N; k++) if (!Number.isNaN(at.x[k]) && (!sound || status[k] < 3) && test(k)) { x0 = Math.min(x0, at.x[k]); x1 = Math.max(x1, at.x[k]); y0 = Math.min(y0, at.y[k]); y1 = Math.max(y1, at.y[k]); } };
  grow(true); if (x1 < 0) grow(false);
  if (x1 >= 0) frame(x0, y0, x1, y1); else draw();
}
function zoomAt(factor, px, py) {
  const scale = Math.max(200, Math.min(2 ** 33, view.scale * factor)), dx = px - size.w / 2, dy = py - size.h / 2;
  view.x += dx / view.scale - dx / scale; view.y += dy / view.scale - dy / scale; view.scale = scale; moved();
}
function moved() { view.x = Math.max(0, Math.min(1, view.x)); view.y = Math.max(0, Math.min(1, view.y)); draw(); remember(); }
/** The visible photo nearest to a point of the screen, within `reach` pixels; -1 for none. */
function photoAt(px, py, reach) {
  let best = -1, least = reach * reach;
  const x = (px - size.w / 2) / view.scale + view.x, y = (py - size.h / 2) / view.scale + view.y, r = reach / view.scale;
  for (let k = 0; k < N; k++) {
    const dx = at.x[k] - x, dy = at.y[k] - y;
    if (!(dx > -r && dx < r && dy > -r && dy < r) || !visible[k]) continue;
    const d = (dx * dx + dy * dy) * view.scale * view.scale - (status[k] === 0 ? 0 : 9); // of two at one place the doubtful one
    if (d < least) { least = d; best = k; }
  }
  return best;
}
/** Map tiles, only where the page was made with a basemap. */
function startTiles() {
  if (!head.basemap) return;
  const kept = new Map();
  tiles = { paint() {
    const z = Math.max(0, Math.min(19, Math.round(Math.log2(view.scale / 256)))), n = 2 ** z, edge = view.scale / n;
    const x0 = Math.max(0, Math.floor((view.x - size.w / 2 / view.scale) * n)), x1 = Math.min(n - 1, Math.floor((view.x + size.w / 2 / view.scale) * n));
    const y0 = Math.max(0, Math.floor((view.y - size.h / 2 / view.scale) * n)), y1 = Math.min(n - 1, Math.floor((view.y + size.h / 2 / view.scale) * n));
    for (let x = x0; x <= x1; x++) for (let y = y0; y <= y1; y++) {
      const name = z + "/" + x + "/" + y;
      let tile = kept.get(name);
      if (!tile) {
        if (kept.size > 400) kept.delete(kept.keys().next().value);
        tile = new Image(); tile.onload = draw; tile.src = head.basemap.template.replace("{z}", z).replace("{x}", x).replace("{y}", y); kept.set(name, tile);
      }
      if (tile.complete && tile.naturalWidth) pen.drawImage(tile, screenX(x / n), screenY(y / n), edge, edge);
    }
    pen.fillStyle = colours.halo; pen.globalAlpha = .35; pen.fillRect(0, 0, size.w, size.h); pen.globalAlpha = 1;
  } };
}
