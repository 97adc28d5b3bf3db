// Which rows of a long list are on the screen. Heights are known, so places are sums.

const MARGIN_PX = 300;

/** The top of each row, and the height of all. @param {{ height: number }[]} rows */
export function places(rows) {
  const tops = new Float64Array(rows.length + 1);
  for (let i = 0; i < rows.length; i++) tops[i + 1] = tops[i] + rows[i].height;
  return tops;
}

/** First and one past the last row that touch the screen or are close to it. @param {Float64Array} tops */
export function visible(tops, scrollTop, viewport) {
  const first = Math.max(0, above(tops, scrollTop - MARGIN_PX));
  const last = Math.min(tops.length - 1, above(tops, scrollTop + viewport + MARGIN_PX) + 1);
  return [first, last];
}

/** The last row that starts at or before `y`. */
export function above(tops, y) {
  let low = 0;
  let high = tops.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (tops[middle] <= y) low = middle;
    else high = middle - 1;
  }
  return low;
}
