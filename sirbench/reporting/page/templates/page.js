"use strict";
// A click on a column's head sorts its table: upwards, then downwards; cells without a value (–) stay last.
// What begins with a number is sorted by it: +11.7 %, or an interval.
const valueOf = (row, column) => {
  const text = row.cells[column].dataset.value ?? row.cells[column].textContent.trim();
  if (text === "–" || text === "diverged") return "";
  return Number.isNaN(Number.parseFloat(text)) ? text : Number.parseFloat(text);
};
const compare = (a, b) => (typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(b));

for (const button of document.querySelectorAll("th button")) {
  button.addEventListener("click", () => {
    const head = button.closest("th");
    const body = head.closest("table").tBodies[0];
    const direction = head.ariaSort === "ascending" ? -1 : 1;
    const rows = [...body.rows].map((row) => ({ row, value: valueOf(row, head.cellIndex) }));
    rows.sort((a, b) => (a.value === "") - (b.value === "") || direction * compare(a.value, b.value));
    body.append(...rows.map(({ row }) => row));
    body.querySelectorAll(".rule").forEach((row) => row.classList.remove("rule")); // rows are no longer in groups
    head.parentElement.querySelectorAll("th").forEach((other) => other.removeAttribute("aria-sort"));
    head.ariaSort = direction === 1 ? "ascending" : "descending";
  });
}
