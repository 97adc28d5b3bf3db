// What is wanted soon, but not for the first paint.

const idle = window.requestIdleCallback ?? window.setTimeout;
let painted = false;
/** @type {(() => any)[]} */
const waiting = [];

/** After the first paint, when there is nothing better to do. @param {() => any} work */
export const later = (work) => void (painted ? idle(work) : waiting.push(work));

/** The page is mounted: the next frame shows it. */
export function isMounted() {
  requestAnimationFrame(() =>
    setTimeout(() => {
      painted = true;
      waiting.splice(0).forEach((work) => idle(work));
    }),
  );
}
