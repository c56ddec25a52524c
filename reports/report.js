"use strict";
// Rows stay JSON text until their finding is opened; every value reaches the page as text, never as markup.
const PAGE = 50;
const COLLATOR = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

function element(name, text) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  return made;
}

function show(finding) {
  const holder = finding.querySelector(".rows");
  if (holder.firstChild) return;
  const data = JSON.parse(document.getElementById("rows-" + finding.dataset.code).textContent);
  const all = data.rows;
  let rows = all, page = 0, sorted = -1, down = false;

  const bar = element("div"); bar.className = "bar";
  const filter = element("input"); filter.type = "search"; filter.placeholder = "Filter rows";
  filter.setAttribute("aria-label", "Filter the rows of " + finding.dataset.code);
  const back = element("button", "‹ Back"), next = element("button", "Next ›"), place = element("span");
  const state = element("select"), column = data.columns.indexOf("state");
  state.setAttribute("aria-label", "State of the rows of " + finding.dataset.code);
  ["all", "new", "still", "accepted"].forEach(name => {
    const count = name === "all" ? all.length : all.filter(row => stateOf(row) === name).length;
    const option = element("option", name + " (" + count + ")");
    option.value = name; option.disabled = count === 0; state.append(option);
  });
  function stateOf(row) { return (row[column] ?? "").split(" ")[0]; }
  bar.append(filter, state, back, next, place);
  const table = element("table"), head = table.createTHead().insertRow(), body = table.createTBody();

  data.columns.forEach((name, column) => {
    const cell = element("th"), button = element("button", name);
    cell.append(button); head.append(cell);
    button.addEventListener("click", () => {
      down = sorted === column && !down; sorted = column; page = 0;
      rows = rows.slice().sort((a, b) => COLLATOR.compare(a[column] ?? "", b[column] ?? "") * (down ? -1 : 1));
      [...head.cells].forEach((other, n) => other.setAttribute("aria-sort", n !== column ? "none" : down ? "descending" : "ascending"));
      draw();
    });
  });

  function draw() {
    const last = Math.max(0, Math.ceil(rows.length / PAGE) - 1);
    page = Math.min(Math.max(page, 0), last);
    const fresh = rows.slice(page * PAGE, (page + 1) * PAGE).map(row => {
      const line = element("tr");
      line.className = stateOf(row);
      row.forEach(value => line.append(element("td", value ?? "")));
      return line;
    });
    body.replaceChildren(...fresh);
    back.disabled = page === 0; next.disabled = page === last;
    const from = rows.length ? page * PAGE + 1 : 0;
    place.textContent = from + "–" + (page * PAGE + fresh.length) + " of " + rows.length + (rows.length < all.length ? " (filtered from " + all.length + ")" : "");
  }

  function choose() {
    const wanted = filter.value.toLowerCase(); page = 0; sorted = -1;
    const fits = row => (state.value === "all" || stateOf(row) === state.value)
      && (!wanted || row.some(value => value !== null && value.toLowerCase().includes(wanted)));
    rows = wanted || state.value !== "all" ? all.filter(fits) : all;
    draw();
  }
  filter.addEventListener("input", choose);
  state.addEventListener("change", choose);
  back.addEventListener("click", () => { page -= 1; draw(); });
  next.addEventListener("click", () => { page += 1; draw(); });
  holder.append(bar, table);
  draw();
}

for (const finding of document.querySelectorAll("details.finding")) {
  finding.addEventListener("toggle", () => { if (finding.open) show(finding); });
}
function openTarget() {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target && target.matches("details.finding")) target.open = true;
}
window.addEventListener("hashchange", openTarget);
openTarget();
